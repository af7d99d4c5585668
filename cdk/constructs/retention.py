from aws_cdk import aws_logs as logs


def retention_days(days: int) -> logs.RetentionDays:
    """Return CDK's name for a log retention.

    Raises:
        ValueError: CloudWatch Logs does not know this retention.
    """
    names = {
        7: logs.RetentionDays.ONE_WEEK,
        14: logs.RetentionDays.TWO_WEEKS,
        30: logs.RetentionDays.ONE_MONTH,
        90: logs.RetentionDays.THREE_MONTHS,
        365: logs.RetentionDays.ONE_YEAR,
    }
    if days not in names:
        raise ValueError(f"log_retention_days={days}: must be one of {sorted(names)}")
    return names[days]
