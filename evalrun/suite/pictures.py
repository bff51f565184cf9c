"""The pictures that prompts show: for every case the file that is meant, read once, known by what it is made of."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evalrun import keys, template
from evalrun.errors import Code
from evalrun.records.message import Picture
from evalrun.records.suite import Case
from evalrun.suite.complaints import Complaints, Spot, listed, printable
from evalrun.suite.image_headers import described, media_type_of, size_of
from evalrun.suite.rendering import is_url
from evalrun.suite.sources import Found, Sources, read_bytes
from evalrun.suite.templates import Written

MAX_PICTURE_BYTES = 20 << 20
MAX_PICTURES_BYTES = 512 << 20

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:data|file|blob|about):", re.IGNORECASE)
_FILE_FORMS = "png, jpeg, gif or webp"


@dataclass(frozen=True, slots=True)
class Album:
    """Pictures by digest, and the digest of every name that a prompt gives."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def read_pictures(images: Sequence[Written], cases: Sequence[Case], sources: Sources, complaints: Complaints) -> Album:
    """All pictures of a suite. What cannot be shown is complained about where it is named, with its cases.

    A name that cannot be rendered is passed over: templates are checked elsewhere.
    """
    reader = _Reader(sources)
    for written in images:
        named = _names(written, cases)
        of_a_case = bool(template.variables(written.text))
        for name, ids in named.items():
            whose = f" (case {listed(ids)})" if of_a_case else ""
            for code, words in reader.faults_of(name):
                complaints.add(written.spot(), code, words + whose)
    return reader.album


def _names(written: Written, cases: Iterable[Case]) -> dict[str, list[str]]:
    """The names that a template stands for, each with the cases in which it does."""
    named: dict[str, list[str]] = {}
    for case in cases:
        try:
            named.setdefault(template.render(written.text, case.vars).strip(), []).append(case.id)
        except template.TemplateFault:
            continue
    return named


class _Reader:
    """Reads pictures, each once. Mutable state: what was read, changed by `faults_of` only."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._faults: dict[str, list[tuple[Code, str]]] = {}
        self._size = 0
        self.album = Album()

    def faults_of(self, name: str) -> list[tuple[Code, str]]:
        """What is wrong with the picture of this name; nothing, and it is in the album, or it is a URL."""
        if name not in self._faults:
            complaints = Complaints()
            if is_url(name) or _SCHEME.match(name):
                self._check_url(name, complaints)
            else:
                self._read(name, complaints)
            self._faults[name] = [(complaint.code, complaint.message) for complaint in complaints.all()]
        return self._faults[name]

    def _check_url(self, url: str, complaints: Complaints) -> None:
        if url[:5].lower() == "data:":
            words = "a picture's bytes do not go into the data: save them as a file, and name it"
            complaints.add(Spot(""), Code.BAD_IMAGE, words)
        elif not is_url(url):
            words = f"a picture is a file of the repository or an http(s) URL, not `{printable(url[:40])}`"
            complaints.add(Spot(""), Code.BAD_IMAGE, words)
        elif "@" in _authority(url):
            words = "the URL of a picture holds a user name or a password, which would be sent to the vendor"
            complaints.add(Spot(""), Code.BAD_URL, words)
        else:
            try:
                keys.origin_of(re.split(r"[?#]", url, maxsplit=1)[0])
            except ValueError as error:
                complaints.add(Spot(""), Code.BAD_URL, str(error))

    def _read(self, name: str, complaints: Complaints) -> None:
        spot = Spot("")
        found = self._sources.find(name, spot, complaints)
        if found is None or not self._has_room(found, complaints):
            return
        content = read_bytes(found, spot, MAX_PICTURE_BYTES, complaints)
        if content is None:
            return
        media_type = media_type_of(content)
        if media_type is None:
            words = f"`{printable(found.shown)}` is {described(content)}, not a picture ({_FILE_FORMS})"
            complaints.add(spot, Code.BAD_IMAGE, words)
            return
        size = size_of(content, media_type)
        if size is None:
            words = f"`{printable(found.shown)}` is damaged: it does not say how large the picture is"
            complaints.add(spot, Code.BAD_IMAGE, words)
            return
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.album.files[name] = digest
        if digest not in self.album.pictures:
            self._size += len(content)
            self.album.pictures[digest] = Picture(
                media_type=media_type,
                base64=base64.b64encode(content).decode("ascii"),
                width=size[0],
                height=size[1],
                name=found.shown,
            )

    def _has_room(self, found: Found, complaints: Complaints) -> bool:
        """Whether a file may be read: it is small enough, and so are all together."""
        try:
            size = found.path.stat().st_size
        except OSError:
            return True  # reading it says what is wrong
        if size > MAX_PICTURE_BYTES:
            words = f"`{printable(found.shown)}` has {_mib(size)}, and a picture at most {_mib(MAX_PICTURE_BYTES)}"
            complaints.add(Spot(""), Code.FILE_TOO_LARGE, words)
            return False
        if self._size + size > MAX_PICTURES_BYTES:
            words = (
                f"with `{printable(found.shown)}` the pictures have {_mib(self._size + size)}, "
                f"and those of a suite together at most {_mib(MAX_PICTURES_BYTES)}"
            )
            complaints.add(Spot(""), Code.FILE_TOO_LARGE, words)
            return False
        return True


def _authority(url: str) -> str:
    """The part between ``//`` and the path."""
    return re.split(r"[/\\?#]", url.partition("://")[2], maxsplit=1)[0]


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
