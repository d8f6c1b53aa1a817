import os
import re
import sys

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
sys.path.insert(0, HERE)


class Build(build_py):
    """The package's own files, and the two that are made from the headers beside it."""

    def run(self):
        super().run()
        import interface
        package = os.path.join(self.build_lib, "xbartab")
        interface.generate(os.path.join(TREE, "src", "include"), package)
        with open(os.path.join(package, "_built.py"), "w") as f:
            f.write("LIBRARY = %r\n" % os.path.join(TREE, "build", "libxbartab.so"))


with open(os.path.join(TREE, "CMakeLists.txt")) as f:
    VERSION = re.search(r"project\(xbartab VERSION ([0-9.]+)", f.read()).group(1)

setup(name="xbartab", version=VERSION, description="RRAM crossbars from SPICE to tables, and networks that run on them",
      license="GPL-3.0-or-later", packages=["xbartab"], python_requires=">=3.9", install_requires=["numpy", "cffi"],
      cmdclass={"build_py": Build})
