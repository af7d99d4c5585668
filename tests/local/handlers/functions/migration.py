"""A stand-in for the migration that runs at each start."""


def lambda_handler(event: object, context: object) -> dict[str, list[str]]:
    return {"applied": []}
