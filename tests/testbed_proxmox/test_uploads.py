"""File uploads: what the form's parser makes of the bytes, however they arrive."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from testbed.proxmox.http import http_server, uploads
from testbed.proxmox.http.http_server import HttpServer, Request, Response
from testbed.proxmox.http.parameters import parameters
from testbed.proxmox.http.uploads import Upload, UploadError
from tests.testbed_proxmox.bed import Bed
from tests.testbed_proxmox.wire import spoken

pytestmark = pytest.mark.pve
CONTENT = b"first\r\nsecond --xx and\r\n--x\r\n" * 1000
FORM = (
    b'--xx\r\nContent-Disposition: form-data; name="content"\r\n\r\niso\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="checksum"\r\n\r\nabc\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="filename"; filename="d 12.iso"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n" + CONTENT + b"\r\n--xx--\r\n"
)


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(uploads, "DIRECTORY", tmp_path)
    return tmp_path


@pytest.mark.parametrize("step", [1, 7, 4096, len(FORM)])
def test_a_form_may_arrive_in_any_pieces(step: int) -> None:
    upload = Upload("xx", len(FORM))
    for start in range(0, len(FORM), step):
        upload.take(FORM[start : start + step])
        if upload.complete:
            break
    assert upload.fields == {"content": "iso", "checksum": "abc", "filename": "d 12.iso"}
    assert upload.path.read_bytes() == CONTENT
    assert upload.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (FORM.replace(b'"filename";', b'"file";'), "wrong field name 'file' for file upload, expected 'filename'"),
        (FORM.replace(b"form-data", b"attachment"), "wrong Content-Disposition 'attachment' in multipart"),
        (FORM.replace(b"--xx--", b"--xx"), "upload failed"),
        (b"nothing", "upload failed"),
    ],
)
def test_other_forms_are_refused(form: bytes, text: str) -> None:
    upload = Upload("xx", len(form))
    with pytest.raises(UploadError, match=text):
        upload.take(form)
    upload.discard()
    assert not upload.path.exists()


def taken(request: Request) -> str:
    given = {name: str(value) for name, value in parameters(request).items()}
    path = Path(given.pop("tmpfilename"))
    told = f"{sorted(given.items())} {path.stat().st_size}"
    path.unlink()
    return told


def left(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.fixture
async def taking() -> AsyncIterator[str]:
    """The address of a server whose only call takes a file and tells what it got."""

    async def gate(request: Request) -> None:
        request.upload = True

    async def handle(request: Request) -> Response:
        return Response(200, "OK", taken(request).encode(), "text/plain")

    server = HttpServer(handle, gate=gate)
    await server.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


async def test_the_handler_gets_fields_and_a_file(taking: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    big = FORM.replace(CONTENT, CONTENT * 100)
    async with httpx.AsyncClient(base_url=taking) as client:
        answer = await client.post("/?a=1", content=big, headers=headers)
    fields = [("a", "1"), ("checksum", "abc"), ("content", "iso"), ("filename", "d 12.iso")]
    assert answer.text == f"{fields} {len(CONTENT) * 100}"
    assert answer.headers["connection"] == "close"


async def test_a_broken_upload_leaves_nothing(taking: str, directory: Path) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=yy"}
    async with httpx.AsyncClient(base_url=taking) as client:
        answer = await client.post("/", content=FORM, headers=headers)
    assert (answer.status_code, answer.text) == (
        500,
        "upload failed at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1317.\n",
    )
    assert not left(directory)


PATH = "/nodes/pve1/storage/local/upload"


async def test_an_upload_needs_its_privilege_and_no_csrf_token(bed: Bed) -> None:
    stranger = bed.node.access.new_token("root@pam", "stranger")
    headers = {"Authorization": f"PVEAPIToken=root@pam!stranger={stranger}"}
    answer = await bed.call("POST", PATH, {}, headers=headers)
    reason = "Permission check failed (/storage/local, Datastore.AllocateTemplate)"
    assert (answer.status_code, answer.reason_phrase, answer.content) == (403, reason, b"")
    cookie = {"Cookie": (await bed.login())["Cookie"]}
    assert (await bed.call("POST", PATH, {}, headers=cookie)).status_code != 401


async def test_an_upload_of_another_kind_is_met_with_silence(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.1)
    head = f"POST /api2/json{PATH} HTTP/1.1\nTOKEN\nContent-Type: application/json\nContent-Length: 2\n\n"
    assert await spoken(bed, head + "{}") == b""
