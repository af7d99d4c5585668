"""Statistics counted anew in the running product, from the shell."""

import pytest

from local import statistics
from tests.end_to_end.product import Product

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture(autouse=True)
def _running(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", product.base_url.rpartition(":")[2])
    monkeypatch.setenv("DATA_DIR", str(product.data_dir))


def test_a_day_is_counted_anew(product: Product, capsys: pytest.CaptureFixture[str]) -> None:
    with product.database() as database:
        row = database.execute("SELECT current_date AS day").fetchone()
    assert row is not None
    assert statistics.main([str(row["day"])]) == 0
    assert capsys.readouterr().out.startswith(f"{row['day']}: ")


def test_a_day_that_is_not_kept_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert statistics.main(["2020-01-01"]) == 1
    assert "not archived" in capsys.readouterr().err


def test_without_a_running_copy_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "1024")
    assert statistics.main(["2020-01-01"]) == 1
    assert "make run" in capsys.readouterr().err
