"""``python -m mock_sts``."""

from mock_sts.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
