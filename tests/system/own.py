"""fmd obeys files that only root or its own user writes. A checkout may be somebody else's, or have
been made with a umask that lets a group write, so fmd gets a copy."""
import os
import pathlib
import shutil

os.umask(0o022)


def own(source, directory):
    """A copy below directory that fmd takes."""
    path = pathlib.Path(directory) / f"own-{pathlib.Path(source).name}"
    shutil.copyfile(source, path)
    return path
