"""Types of the fields that several requests share: names and times."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
# What the documentation says of a time; the check itself is by value.
YEARS = "^(19[7-9][0-9]|2[01][0-9]{2})-"
Instant = Annotated[datetime, msgspec.Meta(tz=True, extra_json_schema={"pattern": YEARS})]
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
