"""What a process of its own says, in which nothing has been imported before."""

import subprocess
import sys


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
