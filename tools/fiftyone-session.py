"""Works with indexes on Milvus and Elasticsearch as a user of the real FiftyOne does, command by command.

Reads one command a line from standard input, as JSON: [NAME, {ARGUMENT: VALUE}]. Answers each with a line on standard
output: {"answer": VALUE}, or {"error": TRACEBACK}. The commands are the functions below with the mark `command`.

Needs fiftyone 1.22.1, pymilvus and elasticsearch, a running mongod, named by FIFTYONE_DATABASE_URI, and the address of
the server in FiftyOne's own variables.
"""

import json
import os
import sys
import traceback
import warnings

# Answers have standard output for themselves: FiftyOne and the SDKs print there too.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
# Each call of what pymilvus will give up in 3.1 warns.
warnings.simplefilter("ignore")

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from PIL import Image

COMMANDS = {}
FIELD = "objects"


def command(function):
    COMMANDS[function.__name__] = function
    return function


@command
def make(dataset, folder, samples, boxes):
    """Makes a data set of pictures with as many boxes as `boxes` says for each; gives the ids of both."""
    os.makedirs(folder)
    made = fo.Dataset(dataset)
    for i in range(samples):
        path = os.path.join(folder, f"{i}.png")
        Image.new("RGB", (8, 8), (5 * i, 90, 200)).save(path)
        detections = [fo.Detection(label=f"class {j}", bounding_box=[0.1 * j, 0.2, 0.5, 0.5]) for j in range(boxes[i])]
        made.add_sample(fo.Sample(filepath=path, number=i, **{FIELD: fo.Detections(detections=detections)}))
    return ids_of(made)


@command
def load(dataset, folder):
    """Imports a FiftyOneDataset; gives its ids and the keys of its runs."""
    kind = fo.types.FiftyOneDataset
    loaded = fo.Dataset.from_dir(dataset_dir=folder, dataset_type=kind, name=dataset, progress=False)
    return {**ids_of(loaded), "runs": loaded.list_brain_runs()}


@command
def export(dataset, folder):
    fo.load_dataset(dataset).export(folder, dataset_type=fo.types.FiftyOneDataset, progress=False)


@command
def compute(dataset, key, backend, embeddings, field=None, first=None, **options):
    """Makes an index of the samples, all or the first so many, or of their boxes; gives its configuration."""
    samples = fo.load_dataset(dataset)
    if first is not None:
        samples = samples.limit(first)
    vectors = np.asarray(embeddings, dtype="f4")
    if field is not None:
        counts = [len(found or []) for found in samples.values(f"{field}.detections")]
        parts = np.split(vectors, np.cumsum(counts)[:-1])
        vectors = {id: part for id, part in zip(samples.values("id"), parts) if len(part) > 0}
    fob.compute_similarity(
        samples, brain_key=key, backend=backend, embeddings=vectors, patches_field=field, **options
    )
    return run_of(dataset, key)


@command
def connect(dataset, key, backend, field=None, **options):
    """Makes a run of an index that is on the server already, which the options name."""
    samples = fo.load_dataset(dataset)
    fob.compute_similarity(
        samples, brain_key=key, backend=backend, embeddings=False, patches_field=field, **options
    )
    return run_of(dataset, key)


@command
def run_of(dataset, key):
    """What FiftyOne says of a run, and its class."""
    index = load_index(dataset, key)
    return {
        "kind": type(index).__name__,
        "config": index.config.serialize(),
        "total": total_of(index),
    }


def total_of(index):
    """Milvus counts what is sealed alone, so that the rest is sealed first."""
    if getattr(index, "collection", None) is not None:
        index.collection.flush()
    return index.total_index_size


@command
def sort(dataset, key, query, k, field=None, ids=None):
    """Sorts the data set, its boxes, or some of them, by similarity; gives ids and FiftyOne's distances in order."""
    load_index(dataset, key)
    view = fo.load_dataset(dataset)
    if field is not None:
        view = view.to_patches(field)
    if ids is not None:
        view = view.select(ids)
    query = query if is_id(query) else np.asarray(query, dtype="f4")
    found = view.sort_by_similarity(query, k=k, brain_key=key).values("id")
    return {"ids": found, **neighbors(dataset, key, query, k, view if ids is not None else None)}


def is_id(query):
    return isinstance(query, str) or isinstance(query[0], str)


def neighbors(dataset, key, query, k, view):
    """FiftyOne's own distances: views keep them in a field only, and what they mean depends on the server."""
    index = load_index(dataset, key)
    if view is not None:
        index.use_view(view)
    aggregation = None if isinstance(query, str) else "mean"
    sample_ids, label_ids, distances = index._kneighbors(query=query, k=k, aggregation=aggregation, return_dists=True)
    return {"ranked": list(sample_ids if label_ids is None else label_ids), "distances": list(map(float, distances))}


@command
def vectors(dataset, key, ids):
    """The vectors of samples, or of boxes, by id, and their samples."""
    index = load_index(dataset, key)
    kind = "sample_ids" if index.config.patches_field is None else "label_ids"
    rows, sample_ids, label_ids = index.get_embeddings(**{kind: ids})
    found = sample_ids if label_ids is None else label_ids
    return {str(id): {"vector": row.tolist(), "sample": str(sample)} for id, row, sample in zip(found, rows, sample_ids)}


@command
def add(dataset, key, embeddings, sample_ids, label_ids=None):
    load_index(dataset, key).add_to_index(np.asarray(embeddings, dtype="f4"), sample_ids, label_ids=label_ids)


@command
def remove(dataset, key, ids):
    """Takes entries out: by sample, or by box on an index of boxes."""
    index = load_index(dataset, key)
    kind = "sample_ids" if index.config.patches_field is None else "label_ids"
    index.remove_from_index(**{kind: ids})


@command
def cleanup(dataset, key):
    """Drops the index from the server and removes the run, as FiftyOne's pages do it."""
    loaded = fo.load_dataset(dataset)
    loaded.load_brain_results(key).cleanup()
    loaded.delete_brain_run(key)


@command
def names(dataset, key):
    """The collections or indexes that the SDK of a run's server lists."""
    index = load_index(dataset, key)
    if index.config.method == "elasticsearch":
        return sorted(index.client.indices.get_alias().keys())
    import pymilvus

    return sorted(pymilvus.utility.list_collections(using=index._alias))


def load_index(dataset, key):
    """As a new process does: what the data set remembers of its indexes is forgotten."""
    loaded = fo.load_dataset(dataset)
    loaded.clear_cache()
    return loaded.load_brain_results(key)


def ids_of(dataset):
    labels = dataset.values(f"{FIELD}.detections") if dataset.has_field(FIELD) else []
    boxes = [[found.id for found in some] if some else [] for some in labels]
    return {"samples": dataset.values("id"), "boxes": boxes}


def answer(line):
    name, arguments = json.loads(line)
    try:
        return {"answer": COMMANDS[name](**arguments)}
    except Exception as error:
        return {"error": "".join(traceback.format_exception(error))}


for line in sys.stdin:
    answers.write(json.dumps(answer(line)) + "\n")
    answers.flush()
