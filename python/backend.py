"""How pip builds the package: setuptools, Debian's where it is installed, so that no network is needed; else pip's."""

import importlib.util
import sys

DEBIAN = "/usr/lib/python3/dist-packages"


def _wanted():
    """What is missing; Debian's folder is looked at too, which pip's own environment for builds leaves out."""
    packages = ("setuptools", "wheel", "cffi")
    if any(importlib.util.find_spec(p) is None for p in packages) and DEBIAN not in sys.path:
        sys.path.append(DEBIAN)
    return [p for p in packages if importlib.util.find_spec(p) is None]


def get_requires_for_build_wheel(config_settings=None):
    return _wanted()


get_requires_for_build_sdist = get_requires_for_build_wheel


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _wanted()
    from setuptools import build_meta
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory, config_settings=None):
    _wanted()
    from setuptools import build_meta
    return build_meta.build_sdist(sdist_directory, config_settings)
