"""Functions that tests run in a sandbox and in a free process: each tries one thing."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any


def open_socket(kind: str) -> str:
    families = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM)}
    families["unix"] = (getattr(socket, "AF_UNIX", 1), socket.SOCK_STREAM)
    socket.socket(*families[kind]).close()
    return "done"


def connect(port: int) -> str:
    socket.create_connection(("127.0.0.1", port), timeout=30).close()
    return "done"


def fork() -> str:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return "done"


def execute() -> str:
    subprocess.run([sys.executable, "-c", ""], check=True)
    return "done"


def read(path: str) -> str:
    return "done" if Path(path).read_text() else "empty"


def write(path: str) -> str:
    Path(path).write_text("written")
    return "done"


def delete(path: str) -> str:
    Path(path).unlink()
    return "done"


def change_mode(path: str) -> str:
    Path(path).chmod(0o600)
    return "done"


def link(path: str) -> str:
    os.link(path, path + ".link")
    return "done"


def signal_parent() -> str:
    os.kill(os.getppid(), 0)
    return "done"


def look_at_parent() -> str:
    Path(f"/proc/{os.getppid()}/cmdline").read_bytes()
    return "done"


def use_own_folder() -> str:
    Path("a").write_text("mine")
    Path("a").rename("b")
    Path("sub").mkdir()
    Path("b").replace("sub/b")
    return Path("sub/b").read_text()


def threads() -> int:
    found: list[int] = []
    started = [threading.Thread(target=lambda: found.append(os.getpid())) for _ in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return len(found)


def environment() -> dict[str, str]:
    return dict(os.environ)


def open_files() -> list[str]:
    """Return what the open descriptors refer to."""
    targets = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            targets.append(str(Path(f"/proc/self/fd/{name}").readlink()))
        except OSError:
            continue
    return targets


def escape() -> dict[str, str]:
    return {"name\x1b[2J": "tape\x1b]0;title\x07\r"}


def large() -> str:
    return "x" * (8 << 20)


def many_files() -> Any:
    from neutone.sandbox import Results

    return Results(1, {"one": b"abc", "two": b"", "three": b"de"})


def forge(message: str) -> None:
    """Write something that is not a reply to every descriptor, and end the process."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, message.encode())
        except OSError:
            continue
    os._exit(0)


def crash() -> None:
    os.abort()


def end_by_signal() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def call_foreign_abi() -> None:
    import ctypes

    ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 | 39))


def sleep_for_ever() -> None:
    while True:
        time.sleep(1.0)


def print_for_ever() -> None:
    while True:
        print("x" * 10_000)  # noqa: T201


def allocate(mib: int) -> int:
    return len(bytearray(mib << 20))


def fill_file(mib: int) -> int:
    with Path("large").open("wb") as file:
        for _ in range(mib):
            file.write(bytes(1 << 20))
    return mib


def raise_error(name: str) -> None:
    from neutone import errors

    raise getattr(errors, name)("as it was raised")


def memory_file() -> str:
    os.close(os.memfd_create("memory"))
    return "done"


def outlive_the_parent() -> str:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(1, ctypes.c_ulong(0)):  # PR_SET_PDEATHSIG
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"


def lease(path: str) -> str:
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        if error.errno == 11:  # the process did not exist, but the call itself was allowed
            return "done"
        raise
    return "done"


def bury() -> str:
    """Leave folders that cannot be deleted in the usual way."""
    for _ in range(1500):
        Path("d").mkdir()
        os.chdir("d")
    return "done"


def read_scratch_file() -> Any:
    from neutone.sandbox import Results, scratch_file

    with scratch_file(b"in memory") as path:
        return Results([str(path.parent), path.read_text()])
