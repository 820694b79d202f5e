"""URLs of databases: which are taken, and that no password is shown."""

from pathlib import Path

import pytest

from mock_sts.settings.settings import SettingError, from_environ
from mock_sts.store.location import checked_url, file_of, shown, without_password

ADDRESS = "postgresql://sts:hemmelig@db.test:5432/sts"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///a/b.sqlite", "a/b.sqlite"),
        ("sqlite:////var/b.sqlite", "/var/b.sqlite"),
        (ADDRESS, "postgresql://sts:***@db.test:5432/sts"),
        ("postgresql://sts@db.test/sts", "postgresql://sts@db.test/sts"),
        ("postgresql://sts:a:b@db.test/sts", "postgresql://sts:***@db.test/sts"),
        ("postgresql:///sts?host=/run/pg", "postgresql:///sts?host=/run/pg"),
        ("postgresql://db.test/sts?user=u&password=hemmelig&sslmode=require", None),
        ("postgresql://db.test/sts?sslpassword=hemmelig", None),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, name: str | None) -> None:
    assert checked_url(url) == url
    assert "hemmelig" not in shown(url)
    assert name is None or shown(url) == name
    assert (file_of(url) is None) is url.startswith("postgresql:")


def test_a_file_is_a_file() -> None:
    assert file_of("sqlite:///a/b.sqlite") == Path("a/b.sqlite")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite://",
        "sqlite:///",
        "mysql://sts:hemmelig@db.test/sts",
        "postgres://sts:hemmelig@db.test/sts",
        "postgresql+psycopg://sts:hemmelig@db.test/sts",
        "postgresql://sts:hemmelig@db.test",
        "postgresql://sts:hemmelig@db.test/",
        "postgresql://sts:hemmelig@db.test/a/b",
        "postgresql://sts:hemmelig@db.test:x/sts",
        "postgresql://sts:hemmelig@db.test/s ts",
        "postgresql://sts:hemmelig@db.test/s\nts",
    ],
)
def test_another_is_refused_with_setting_value_and_remedy(url: str) -> None:
    with pytest.raises(SettingError) as refused:
        from_environ({"MOCK_STS_DATABASE_URL": url})
    text = str(refused.value)
    assert text.startswith(f"MOCK_STS_DATABASE_URL is {without_password(url)!r}, but must be ")
    assert "sqlite:///PATH" in text or "postgresql://USER@HOST:PORT/NAME" in text
    assert "hemmelig" not in text


@pytest.mark.parametrize(
    ("settings", "tls", "keys"),
    [
        ({"MOCK_STS_DATABASE_URL": "sqlite:///d/x.sqlite"}, "d/tls", "d/client-keys"),
        ({"MOCK_STS_DATABASE_URL": ADDRESS}, "mock-sts-data/tls", "mock-sts-data/client-keys"),
        (
            {"MOCK_STS_DATABASE_URL": ADDRESS, "MOCK_STS_DATA_FOLDER": "/srv/sts"},
            "/srv/sts/tls",
            "/srv/sts/client-keys",
        ),
        ({"MOCK_STS_DATABASE_URL": "sqlite:///d/x.sqlite", "MOCK_STS_DATA_FOLDER": "e"}, "e/tls", "e/client-keys"),
    ],
)
def test_what_lies_beside_a_database_has_a_folder(settings: dict[str, str], tls: str, keys: str) -> None:
    places = from_environ(settings).places
    assert (places.tls, places.client_keys) == (Path(tls), Path(keys))
    assert places.demo.is_relative_to(places.folder)
