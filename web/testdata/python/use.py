"""Uses the generated client as docs/python.md says. Arguments: the server's address, and a
folder of PNG files."""

import base64
import json
import pathlib
import sys
import time

from polylens_client import Client
from polylens_client.api.images import create_image, delete_image, get_original, patch_image
from polylens_client.api.jobs import get_job, list_items
from polylens_client.api.search import search
from polylens_client.models import CreateImageFilesBody, JobState, PatchImageInputBody
from polylens_client.types import File

address, folder = sys.argv[1], pathlib.Path(sys.argv[2])
files = sorted(folder.glob("*.png"))
client = Client(base_url=address, raise_on_unexpected_status=True)


def sent_alone(path):
    with path.open("rb") as picture:
        form = CreateImageFilesBody(file=File(payload=picture, file_name=path.name), id=path.name, metadata=json.dumps({"way": "alone"}))
        return create_image.sync(collection, client=client, body=form)


def lines(paths):
    for path in paths:
        line = {"id": path.name, "data": base64.b64encode(path.read_bytes()).decode(), "metadata": {"way": "lines"}}
        yield json.dumps(line).encode() + b"\n"


collection = "from-python"
image = sent_alone(files[0])
assert image.id == files[0].name, image

answer = client.get_httpx_client().post(f"/api/v1/collections/{collection}/jobs", content=lines(files[1:]), headers={"Content-Type": "application/x-ndjson"})
assert answer.status_code == 202, answer.text
job = get_job.sync(answer.json()["id"], client=client)
while job.state in (JobState.QUEUED, JobState.RUNNING):
    time.sleep(0.1)
    job = get_job.sync(job.id, client=client)
assert job.state == JobState.SUCCEEDED and job.counts.created == len(files) - 1, job

items = [json.loads(line) for line in list_items.sync_detailed(job.id, client=client).content.splitlines()]
assert [item["id"] for item in items] == [path.name for path in files[1:]], items

change = PatchImageInputBody.from_dict({"metadata": {"price": 3}})
changed = patch_image.sync(collection, files[0].name, client=client, body=change)
assert changed.metadata["price"] == 3 and changed.metadata["way"] == "alone", changed

hits = search.sync(collection, client=client, q="a drawing", limit=100, filter_=json.dumps({"field": "way", "eq": "lines"})).hits
assert len(hits) == len(files) - 1, hits
assert get_original.sync_detailed(collection, files[2].name, client=client).content == files[2].read_bytes()

delete_image.sync_detailed(collection, files[0].name, client=client)
left = search.sync(collection, client=client, q="a drawing", limit=100).hits
assert len(left) == len(files) - 1, left
print(f"{len(files)} pictures sent, changed, found and fetched")
