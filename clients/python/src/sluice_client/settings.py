"""Where a node is and what its token is, found as the command line finds them: argument, environment, settings file, default."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from .errors import Fault, SluiceError

DEFAULT_ADDRESS = "127.0.0.1:7071"


def _own_settings() -> dict[str, str]:
    """Reads `state`, `state_folder` and `to` of ~/.config/sluice/config.yaml, a file of `key: value` lines."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    home = os.environ.get("HOME", "")
    folder = Path(config) if config.startswith("/") else Path(home) / ".config" if home.startswith("/") else None
    if folder is None:
        return {}
    try:
        text = (folder / "sluice/config.yaml").read_text(encoding="utf-8")
    except OSError:
        return {}
    lines = re.findall(r"^(state|state_folder|to):[ \t]*(?:\"([^\"\n]*)\"|'([^'\n]*)'|([^#\n]*?))[ \t]*(?:#.*)?$", text, re.MULTILINE)
    return {key: double or single or plain for key, double, single, plain in lines}


def base_url(address: str | None) -> str:
    """The node's URL. `address` is HOST:PORT or a URL; None: SLUICE_TO, the settings file, or 127.0.0.1:7071."""
    found = address or os.environ.get("SLUICE_TO") or _own_settings().get("to") or DEFAULT_ADDRESS
    return found if "://" in found else f"http://{found}"


def state_folder(state: str | os.PathLike[str] | None) -> Path | None:
    """The state folder: the argument, SLUICE_STATE, the settings file, or the XDG state folder."""
    given = str(state) if state is not None else os.environ.get("SLUICE_STATE") or _own_settings().get("state")
    if given and "://" in given:  # the Store is in a database; the files, the token among them, are beside it
        given = os.environ.get("SLUICE_STATE_FOLDER") or _own_settings().get("state_folder")
    if given:
        return Path(given)
    if (xdg := os.environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return Path(xdg) / "sluice"
    home = os.environ.get("HOME", "")
    return Path(home) / ".local/state/sluice" if home.startswith("/") else None


def find_token(token: str | None, state: str | os.PathLike[str] | None) -> str:
    """The token: the argument, SLUICE_TOKEN, or the file `token` in the state folder; empty where there is none.

    Errors: SluiceError token_exposed, where others can read the file.
    """
    if token:
        return token
    # A state folder that was asked for has its own token, whatever SLUICE_TOKEN is for.
    if state is None and (found := os.environ.get("SLUICE_TOKEN")):
        return found
    folder = state_folder(state)
    if folder is None:
        return ""
    path = folder / "token"
    try:
        with path.open(encoding="ascii") as file:
            about = os.fstat(file.fileno())
            if stat.S_IMODE(about.st_mode) & 0o077 or about.st_uid != os.geteuid():
                raise SluiceError(Fault("token_exposed", f"{path} can be read by other users", f"chmod 600 {path}", blame="user"))
            return file.read(4096).strip()
    except OSError:
        return ""
