"""Answers commands of bench/search.ts and bench/neighbors.ts, one JSON line each, with the time each took.

The vectors stay loaded between commands, so that rounds of ours and of the peers can take turns.
"""

import json
import sys
import time

import faiss
import numpy as np
import sklearn
import usearch
from sklearn.neighbors import NearestNeighbors
from usearch.index import MetricKind, search

vector_file, query_file, dimension = sys.argv[1], sys.argv[2], int(sys.argv[3])
vectors = np.fromfile(vector_file, dtype=np.float32).reshape(-1, dimension)
queries = np.fromfile(query_file, dtype=np.float32).reshape(-1, dimension)
built = {}


def index(name, build):
    if name not in built:
        built[name] = build()
    return built[name]


def flat():
    made = faiss.IndexFlatIP(dimension)
    made.add(vectors)
    return made


def nearest():
    return NearestNeighbors(metric="cosine", algorithm="brute").fit(vectors)


def ranked(scores, k):
    """Rows of the k largest scores, the largest first."""
    if k >= len(scores):
        return np.argsort(-scores)
    rows = np.argpartition(-scores, k)[:k]
    return rows[np.argsort(-scores[rows])]


def search_numpy(query, k, step):
    within = index(f"every {step}", lambda: vectors[::step].copy()) if step > 1 else vectors
    return ranked(within @ query, k) * step


def search_sklearn(query, k, step):
    return index("sklearn", nearest).kneighbors(query[None], n_neighbors=k)[1][0]


def search_faiss(query, k, step):
    parameters = None
    if step > 1:
        rows = index(f"rows {step}", lambda: np.arange(0, len(vectors), step, dtype=np.int64))
        selector = index(f"selector {step}", lambda: faiss.IDSelectorBatch(rows))
        parameters = faiss.SearchParameters(sel=selector)
    return index("faiss", flat).search(query[None], k, params=parameters)[1][0]


def search_usearch(query, k, step):
    return search(vectors, query[None], k, MetricKind.IP, exact=True).keys.reshape(-1)


def pairs_numpy(max_distance, k):
    """Neighbours by matrix products of 1000 rows with all."""
    found = 0
    for first in range(0, len(vectors), 1000):
        scores = vectors[first : first + 1000] @ vectors.T
        if k is None:
            found += int(np.count_nonzero(scores >= 1 - max_distance)) - len(scores)
        else:
            rows = np.argpartition(scores, -k - 1, axis=1)[:, -k - 1 :]
            found += rows.size - len(scores)
    return found


def pairs_faiss(max_distance, k):
    if k is None:
        limits, _, _ = index("faiss", flat).range_search(vectors, 1 - max_distance)
        return int(limits[-1]) - len(vectors)
    return index("faiss", flat).search(vectors, k + 1)[1].size - len(vectors)


def answer(command):
    peer = command["peer"]
    if "pairs" in command:
        work = {"numpy": pairs_numpy, "faiss": pairs_faiss}[peer]
        return lambda: work(command["maxDistance"], command["pairs"])
    query = queries[command["query"]]
    work = {
        "numpy": search_numpy,
        "scikit-learn": search_sklearn,
        "faiss": search_faiss,
        "usearch": search_usearch,
    }[peer]
    return lambda: [int(row) for row in work(query, command["k"] or len(vectors), command["step"])[:10]]


versions = {module.__name__: module.__version__ for module in (np, sklearn, faiss, usearch)}
print(json.dumps({"versions": versions}), flush=True)
for line in sys.stdin:
    work = answer(json.loads(line))
    start = time.perf_counter()
    result = work()
    print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "result": result}), flush=True)
