"""Running a tap: a process with its config in a private folder, its messages line by line, its words to the log."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors.errors import SettingsFailure, SourceFailure, TransientSourceFailure
from connectors.singer.failures import AGAIN, KEPT, Redactor, ended_badly
from connectors.singer.settings import SingerSettings, filled, placeholders

_CHUNK = 1 << 20
_LAST_WORDS = 30
_OURS = ("CRMLIFT_", "AIRFLOW_")
"""Variables of ours that are no business of a tap: other sources' secrets, the scheduler's database."""

log = logging.getLogger(__name__)


class Tap:
    """A tap with its settings; each run is a process of its own."""

    def __init__(self, source_id: str, settings: SingerSettings, secrets: Mapping[str, str]) -> None:
        self._source_id, self._settings = source_id, settings
        wanted = placeholders(settings.config) | placeholders(settings.environment)
        known = {name: secrets.get(name) or os.environ.get(name, "") for name in wanted}
        missing = sorted(name for name, value in known.items() if not value)
        if missing:
            raise SettingsFailure(
                f"The tap's config names variables that are not set: {', '.join(missing)}.",
                where=f"sources.{source_id}.config",
                next_step="set them in the environment or in the Airflow connection, then run  crmlift doctor",
            )
        self._config = filled(settings.config, known)
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        self._environment |= filled(settings.environment, known)
        self._redactor = Redactor(known.values())
        self.name = settings.argv[0].rsplit("/", 1)[-1]

    def discover(self) -> Mapping[str, Any]:
        """What the tap prints with --discover."""
        with tempfile.TemporaryDirectory(prefix="crmlift-tap-") as folder:
            config = _written(Path(folder), "config", self._config)
            said = b"\n".join(self._lines(["--config", config, "--discover"], Path(folder)))
        try:
            found: Mapping[str, Any] = json.loads(said[said.index(b"{") :])
        except ValueError as error:
            raise SettingsFailure(
                f"The tap {self.name} did not print a catalog.", where=f"sources.{self._source_id}",
                why="It may not know --discover.", next_step="give a catalog file: catalog: path/to/catalog.json",
            ) from error  # fmt: skip
        return found

    def messages(self, catalog: Mapping[str, Any], state: Any) -> Iterator[bytes]:
        """The lines of one run. An ExpectedFailure when the tap ends badly or falls silent."""
        with tempfile.TemporaryDirectory(prefix="crmlift-tap-") as name:
            folder = Path(name)
            arguments = ["--config", _written(folder, "config", self._config)]
            arguments += [f"--{self._settings.catalog_option}", _written(folder, "catalog", catalog)]
            if state:
                arguments += ["--state", _written(folder, "state", state)]
            yield from self._lines(arguments, folder)

    def _lines(self, arguments: list[str], folder: Path) -> Iterator[bytes]:
        process = self._start(arguments, folder)
        said: deque[str] = deque(maxlen=_LAST_WORDS)
        listener = threading.Thread(target=self._listen, args=(process, said), daemon=True)
        listener.start()
        try:
            yield from self._stdout(process)
            code = process.wait()
        finally:
            _end(process)
            listener.join(5)
        if code:
            raise ended_badly(self.name, self._source_id, code, said, is_discovery="--discover" in arguments)

    def _start(self, arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
        argv = [*self._settings.argv, *arguments]
        try:
            return subprocess.Popen(
                argv, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                bufsize=0,
            )  # fmt: skip
        except OSError as error:
            raise SettingsFailure(
                f"The tap {argv[0]} cannot be started.", where=f"sources.{self._source_id}.command",
                why=f"{error.strerror or type(error).__name__}.",
                next_step="install the tap into an environment of its own and set command to its path",
            ) from error  # fmt: skip

    def _stdout(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        assert process.stdout is not None
        pipe, held = process.stdout.fileno(), b""
        idle_seconds = self._settings.idle_minutes * 60
        while True:
            if not select.select([pipe], [], [], idle_seconds)[0]:
                raise TransientSourceFailure(
                    f"The tap {self.name} said nothing for {self._settings.idle_minutes:g} minutes and was stopped.",
                    where=self._source_id, saved=KEPT, next_step=f"raise idle_minutes if it is only slow, then {AGAIN}",
                )  # fmt: skip
            chunk = os.read(pipe, _CHUNK)
            if not chunk:
                break
            *lines, held = (held + chunk).split(b"\n")
            yield from lines
        if held:
            yield held

    def _listen(self, process: subprocess.Popen[bytes], said: deque[str]) -> None:
        assert process.stderr is not None
        for raw in process.stderr:
            line = self._redactor.clean(raw.decode("utf-8", "replace").rstrip())
            if line:
                said.append(line)
                log.debug("event=tap_said source=%s tap=%s line=%s", self._source_id, self.name, line[:500])

    def misunderstood(self, what: str) -> SourceFailure:
        """The failure of a tap that does not keep to the specification."""
        return SourceFailure(
            f"The tap {self.name} {what}.", where=self._source_id, saved=KEPT,
            next_step="report it to the tap's authors, or use another version of it",
        )  # fmt: skip


def _written(folder: Path, name: str, content: Any) -> str:
    path = folder / f"{name}.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as opened:
        json.dump(content, opened)
    return str(path)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process if it still runs; nobody waits for what it has to say."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
