"""A server in a process of its own, so that its memory can be seen; it ends with its input."""

import sys
from pathlib import Path

from web.files_served import app_of, opened, served

if __name__ == "__main__":
    with opened(Path(sys.argv[1])) as jobs, served(app_of(jobs, max_upload=1 << 30)) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()
