"""Makes data sets with the real FiftyOne, and says what it reads from ours, as JSON.

    fiftyone-peer.py make FOLDER [SAMPLES]  a data set of everything, exported in every format, and its facts
    fiftyone-peer.py facts FOLDER FILE      imports the FiftyOneDataset in FOLDER, writes its facts to FILE
    fiftyone-peer.py facts FOLDER FILE OUT  ... and exports it again to OUT
    fiftyone-peer.py labels KIND FOLDER FILE  imports a folder of FiftyOne's format KIND, writes its labels to FILE
    fiftyone-peer.py table FOLDER FILE COLUMNS OUT  imports a CSVDataset, the columns as the kinds of COLUMNS (JSON) say,
                                            writes its samples to FILE and exports the same columns to OUT

Needs fiftyone 1.22.1 and a running mongod, named by FIFTYONE_DATABASE_URI.
"""

import datetime
import json
import os
import sys

import bson
import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from bson import json_util
from fiftyone import ViewField as F
from PIL import Image

SEED = 51
WIDTH, HEIGHT = 32, 20
DIMENSION = 8
COLUMNS = ["number", "loss", "isGood", "kind.label", "words", "taken"]
FORMATS = {
    "coco": (fo.types.COCODetectionDataset, {"label_field": "objects"}),
    "yolo": (fo.types.YOLOv5Dataset, {"label_field": "objects", "split": "val"}),
    "voc": (fo.types.VOCDetectionDataset, {"label_field": "objects"}),
    "tree": (fo.types.ImageClassificationDirectoryTree, {"label_field": "kind"}),
    "csv": (fo.types.CSVDataset, {"fields": ["filepath", "id", "tags", *COLUMNS]}),
    "folders": (fo.types.FiftyOneDataset, {"use_dirs": True}),
    "fiftyone": (fo.types.FiftyOneDataset, {}),
}


def make(folder, samples="12"):
    """Makes the data set of everything, with views and runs, and exports it in every format."""
    rng = np.random.default_rng(SEED)
    pictures = os.path.join(folder, "pictures")
    os.makedirs(pictures)
    dataset = fo.Dataset("everything")
    dataset.add_samples([make_sample(i, pictures, rng) for i in range(int(samples))], progress=False)
    dataset.compute_metadata(progress=False)
    add_views(dataset)
    add_runs(dataset, rng)
    # A search changes FiftyOne's index in memory, and an export writes what is there: both start from what was saved.
    dataset.clear_cache()
    for name, (kind, options) in FORMATS.items():
        dataset.export(os.path.join(folder, name), dataset_type=kind, progress=False, **options)
    dataset.clear_cache()
    write_json(facts_of(dataset), os.path.join(folder, "facts.json"))


def make_sample(i, pictures, rng):
    path = os.path.join(pictures, f"picture {i}.png")
    Image.new("RGB", (WIDTH, HEIGHT), (20 * i, 90, 200 - 10 * i)).save(path)
    sample = fo.Sample(filepath=path, tags=["train", "even"] if i % 2 == 0 else ["test"])
    sample["kind"] = fo.Classification(label=f"kind {i % 3}", confidence=0.5 + i / 100, logits=np.arange(3.0), source="a")
    sample["objects"] = fo.Detections(detections=[make_detection(i, j, rng) for j in range(i % 4)])
    sample["vector"] = rng.normal(size=DIMENSION).astype("f4")
    sample["loss"] = float("nan") if i == 1 else i * 0.25
    sample["number"] = i
    sample["large"] = 2**53 + 1 if i == 2 else i
    sample["isGood"] = i % 2 == 0
    sample["taken"] = datetime.datetime(1960 + 10 * (i % 7), 1, 2, 3, 4, 5, 678000)
    sample["day"] = datetime.date(2024, 1, 2)
    sample["words"] = ["x", "y z", "\u00fc\u2603"]
    sample["numbers"] = [1.5, 2, -3]
    sample["nested"] = {"a": 1, "b": {"c": [1, 2.5, None]}, "infinite": float("-inf"), "none": None}
    sample["uri"] = "same for all"
    sample["array"] = rng.integers(0, 9, (2, 3))
    point = fo.Keypoint(label="nose", points=[(0.1, 0.2), (float("nan"), 0.3)])
    sample["points"] = fo.Keypoints(keypoints=[point])
    line = fo.Polyline(label="road", points=[[(0.1, 0.2), (0.3, 0.4)]], closed=True)
    sample["lines"] = fo.Polylines(polylines=[line])
    sample["several"] = fo.Classifications(classifications=[fo.Classification(label="one")])
    sample["place"] = fo.GeoLocation(point=[1.5, 2.5])
    sample["value"] = fo.Regression(value=2.5)
    sample["mask"] = fo.Segmentation(mask=np.eye(3, dtype="u1"))
    sample["heat"] = fo.Heatmap(map=np.eye(3))
    sample["object"] = fo.Detection(label="alone", bounding_box=[0, 0, 1, 1])
    return sample


def make_detection(i, j, rng):
    box = [int(rng.integers(0, 10)) / WIDTH, int(rng.integers(0, 8)) / HEIGHT, 12 / WIDTH, (4 + j) / HEIGHT]
    options = {"mask": np.ones((2, 2), bool)} if j == 1 else {}
    if i == 3 and j == 0:
        options["tags"] = ["hard"]
    return fo.Detection(
        label=f"class {j}",
        bounding_box=box,
        confidence=0.9 - j / 10,
        iscrowd=False,
        color="red",
        size=1.5 * j,
        blur=float("nan") if i == 2 else 0.5,
        seen=datetime.datetime(2020, 1, 1),
        **options,
    )


def add_views(dataset):
    ids = dataset.values("id")
    dataset.save_view("tags", dataset.match_tags("even").sort_by("number", reverse=True).limit(3))
    dataset.save_view("labels", dataset.filter_labels("objects", F("confidence") > 0.75).match(F("number") >= 3))
    dataset.save_view("patches", dataset.to_patches("objects"))
    dataset.save_view("chosen", dataset.select([ids[3], ids[1], ids[2]], ordered=True).exclude(ids[1]).skip(1))
    some = F("objects.detections").filter((F("label") == "class 1") & (F("size") < 2)).length() > 0
    dataset.save_view("some", dataset.match(some))
    either = F("kind.label").is_in(["kind 0", "kind 1"]) | ~F("tags").contains("train")
    dataset.save_view("either", dataset.match(either).exists("number"))
    dataset.save_view("below", dataset.match(F("loss") < 1))
    dataset.save_view("text", dataset.match(F("kind.label").starts_with("kind")).match_labels(filter=F("label") == "class 2", fields="objects"))
    dataset.save_view("random", dataset.take(3, seed=51))


def add_runs(dataset, rng):
    vectors = (rng.normal(size=(len(dataset), DIMENSION)) + 0.3).astype("f4")
    fob.compute_similarity(dataset, embeddings=vectors, brain_key="pictures")
    patches = {
        sample.id: rng.normal(size=(len(sample.objects.detections), DIMENSION)).astype("f4")
        for sample in dataset
        if sample.objects.detections
    }
    fob.compute_similarity(dataset, embeddings=patches, patches_field="objects", brain_key="objects", metric="euclidean")
    fob.compute_similarity(dataset, embeddings="vector", brain_key="field")
    view = dataset.match_tags("even")
    fob.compute_similarity(view, embeddings=vectors[::2], brain_key="part")
    fob.compute_visualization(dataset, embeddings=vectors, method="pca", brain_key="plot")
    query = dataset.first().id
    dataset.save_view("similar", dataset.sort_by_similarity(query, k=4, brain_key="pictures"))


def facts(folder, file, out=None):
    """Imports a FiftyOneDataset and says what is in it."""
    dataset = fo.Dataset.from_dir(dataset_dir=folder, dataset_type=fo.types.FiftyOneDataset, progress=False)
    write_json(facts_of(dataset), file)
    if out is not None:
        dataset.clear_cache()
        dataset.export(out, dataset_type=fo.types.FiftyOneDataset, progress=False)


def labels(kind, folder, file):
    """Imports labels in one of the formats of others, and says what each picture has."""
    parts = [part for part in ("train", "val", "test") if os.path.isdir(os.path.join(folder, "images", part))]
    dataset = fo.Dataset()
    # FiftyOne reads one part of a YOLO folder at a time.
    for options in [{"split": part} for part in parts] if kind == "YOLOv5Dataset" else [{}]:
        dataset.add_dir(
            dataset_dir=folder,
            dataset_type=getattr(fo.types, kind),
            label_field="labels",
            progress=False,
            **options,
        )
    field = next(name for name in ("labels", "detections", "labels_detections") if dataset.has_field(name))
    samples = [[sample.filename, plain(sample.to_mongo_dict()[field])] for sample in dataset]
    write_json({"samples": json.loads(json_util.dumps(samples))}, file)


def table(folder, file, columns, out):
    """Imports a table: FiftyOne reads columns as texts unless it is given a function for each."""
    kinds = {"text": None, "number": float, "boolean": lambda cell: cell == "true", "list": json.loads}
    parsers = {name: kinds[kind] for name, kind in json.loads(columns).items()}
    parsers["tags"] = lambda cell: cell.split(",")
    dataset = fo.Dataset.from_dir(
        dataset_dir=folder, dataset_type=fo.types.CSVDataset, fields=dict(parsers), progress=False
    )
    samples = [[sample.filename, {name: plain(sample[name]) for name in parsers}] for sample in dataset]
    write_json({"samples": samples}, file)
    dataset.export(out, dataset_type=fo.types.CSVDataset, fields=["filepath", *parsers], progress=False)


def facts_of(dataset):
    return {
        "count": len(dataset),
        "samples": [sample_facts(sample) for sample in dataset],
        "fields": {name: str(field) for name, field in dataset.get_field_schema().items()},
        "runs": {key: run_facts(dataset, key) for key in dataset.list_brain_runs(type="similarity")},
        "views": {name: dataset.load_saved_view(name).values("id") for name in dataset.list_saved_views()},
    }


def sample_facts(sample):
    document = sample.to_mongo_dict(include_id=True)
    for name in ("_rand", "_dataset_id", "created_at", "last_modified_at"):
        document.pop(name, None)
    document["filepath"] = os.path.basename(document["filepath"])
    return json.loads(json_util.dumps(plain(document)))


def plain(value):
    """Arrays as their numbers, types in one form each, and no members that are None."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (bytes, bson.Binary)):
        return fo.core.utils.deserialize_numpy_array(value).astype(float).tolist()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def run_facts(dataset, key):
    """Everything of an index, and the exact neighbours of its first entry: FiftyOne's own answer is of centred vectors."""
    index = dataset.load_brain_results(key)
    vectors, sample_ids, label_ids = index.get_embeddings()
    ids = sample_ids if label_ids is None else label_ids
    vectors = np.asarray(vectors, dtype="f8")
    if index.config.metric == "cosine":
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        distances = 1 - unit @ unit[0]
    else:
        distances = np.linalg.norm(vectors - vectors[0], axis=1)
    own = dataset.sort_by_similarity(ids[0], brain_key=key, k=3) if label_ids is None else None
    return {
        "config": index.config.serialize(),
        "ids": list(map(str, ids)),
        "sampleIds": list(map(str, sample_ids)),
        "vectors": vectors.tolist(),
        "nearest": [str(ids[i]) for i in np.argsort(distances, kind="stable")],
        "answers": None if own is None else len(own),
    }


def write_json(value, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"make": make, "facts": facts, "labels": labels, "table": table}[command](*arguments)
