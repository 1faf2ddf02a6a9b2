"""A key pair that signs bundles, written once and never over another."""

from pathlib import Path

from fraud_core.bundle.signing import new_key_pair
from fraud_core.errors import ParameterError


def write_key_pair(folder: Path) -> str:
    """Write ``signing.pem``, readable by its owner
    alone, and ``public.pem``; returns how to use them.

    Raises
    ------
    ParameterError
        When one of them is there already, or the folder cannot be written.
    """
    private, public = new_key_pair()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content, mode in (("signing.pem", private, 0o600), ("public.pem", public, 0o644)):
            (folder / name).touch(mode=mode, exist_ok=False)
            (folder / name).write_bytes(content)
    except FileExistsError as error:
        raise ParameterError(
            f"{folder.name}: a key is there already; give another folder"
        ) from error
    except OSError as error:
        raise ParameterError(
            f"{folder.name}: the keys cannot be written: {error.strerror}"
        ) from error
    return (
        f"keys: sign with FRAUD_SIGNING_KEY_FILE={folder}/signing.pem, demand it with "
        f"FRAUD_PUBLIC_KEY_FILE={folder}/public.pem"
    )
