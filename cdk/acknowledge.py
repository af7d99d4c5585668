from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(scope: IConstruct, reason_by_rule: dict[str, str]) -> None:
    """Accept findings of AwsSolutions rules on `scope` and below, each for a stated reason."""
    for rule, reason in reason_by_rule.items():
        Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
