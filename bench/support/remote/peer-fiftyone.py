"""Answers bench/remote.ts with FiftyOne, and with the Python client of the server by hand: python peer-fiftyone.py SETTING."""

import json
import os
import resource
import sys
import time

# What libraries print must not come between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from fiftyone import ViewField as F

BRAIN_KEY = "bench"
STEP = 7919  # as placeOf of protocol.ts

setting = json.loads(sys.argv[1])
server, address, rows, dimension = (setting[name] for name in ("server", "address", "rows", "dimension"))
queries = np.fromfile(setting["queries"], np.float32).reshape(-1, dimension)
dataset = fo.Dataset("bench")
dataset.add_samples(
    (fo.Sample(filepath=f"/bench/{row}.jpg", place=row * STEP % rows) for row in range(rows)),
    progress=False,
    num_samples=rows,
)
ids = dataset.values("id")
row_of = {sample_id: row for row, sample_id in enumerate(ids)}
runs = {}


def upload():
    vectors = np.fromfile(setting["vectors"], np.float32).reshape(-1, dimension)
    name = {"milvus": "collection_name", "elasticsearch": "index_name"}[server]
    options = {name: setting["collection"], "metric": "cosine", **address}

    def work():
        runs["index"] = fob.compute_similarity(
            dataset, embeddings=vectors, brain_key=BRAIN_KEY, backend=server, progress=False, **options
        )

    return work


def search(command):
    query = ids[command["row"]] if command["by"] == "id" else queries[command["row"]].copy()
    size = command.get("view")

    def work():
        view = dataset if size is None else dataset.match(F("place") < size)
        found = view.sort_by_similarity(query, k=command["k"], brain_key=BRAIN_KEY).values("id")
        return [row_of[sample_id] for sample_id in found]

    return work


def search_milvus(command):
    import pymilvus

    collection = runs.get("client")
    if collection is None:
        pymilvus.connections.connect(alias="bench", **address)
        collection = runs["client"] = pymilvus.Collection(setting["ours"], using="bench")
    k = command["k"]
    options = {"metric_type": "COSINE", "params": {"ef": max(512, 2 * k)}}
    query = queries[command["row"]].tolist()

    def work():
        hits = collection.search([query], "vector", options, k, output_fields=["sample_id"])[0]
        return [int(hit.id, 16) for hit in hits]

    return work


def search_elasticsearch(command):
    import elasticsearch

    client = runs.setdefault("client", elasticsearch.Elasticsearch(**address))
    k = command["k"]
    knn = {
        "field": "vector",
        "query_vector": queries[command["row"]].tolist(),
        "k": k,
        "num_candidates": min(10_000, max(400, 4 * k)),
    }

    def work():
        answer = client.search(
            index=setting["ours"], knn=knn, size=k, source=False, docvalue_fields=["sample_id"]
        )
        return [int(hit["_id"], 16) for hit in answer["hits"]["hits"]]

    return work


def read():
    def work():
        vectors, _, _ = runs["index"].get_embeddings()
        if len(vectors) != rows:
            raise ValueError(f"Expected {rows} vectors but read {len(vectors)}")

    return work


def drop():
    index = runs.pop("index", None)
    if index is not None:
        index.cleanup()
        dataset.delete_brain_run(BRAIN_KEY)


def prepared(command):
    if command["do"] == "upload":
        drop()
        return upload()
    if command["do"] == "read":
        return read()
    if command.get("layer") == "client":
        return {"milvus": search_milvus, "elasticsearch": search_elasticsearch}[server](command)
    return search(command)


def answer(command):
    work = prepared(command)
    start, before = time.perf_counter(), time.process_time()
    refused = None
    found = None
    try:
        found = work()
    except Exception as error:
        refused = f"{type(error).__name__}: {error}"
    milliseconds, cpu = (time.perf_counter() - start) * 1000, (time.process_time() - before) * 1000
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    facts = {"ms": milliseconds, "cpuMs": cpu, "peakMb": peak}
    return {**facts, **({} if found is None else {"rows": found}), **({} if refused is None else {"refused": refused})}


def say(facts):
    print(json.dumps(facts), file=answers, flush=True)


say({"fiftyone": fo.__version__})
for line in sys.stdin:
    say(answer(json.loads(line)))
drop()
dataset.delete()
