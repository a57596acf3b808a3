"""An agent that lets others work: two roles at once, and one task three times over, settled by vote.

    workbench run -a docs/examples/roles.py "Shall we move the shop to Nimbus? Look at the price, and at its security."

The model sees what each role is good at and chooses. What a role found comes back as a summary; open its lane to see
how it came to it. Where the three of an ensemble disagree, that is shown.
"""

from workbench import Agent, Role, tool

HOSTS = {
    "Nimbus": ("The price of Nimbus is 40 euros a month.", "The security of Nimbus was audited in March."),
    "Cumulus": ("The price of Cumulus is 25 euros a month.", "The security of Cumulus was never audited."),
}


@tool(read_only=True)
async def get_price(host: str) -> str:
    """Return the price of a host."""
    return HOSTS[host][0]


@tool(read_only=True)
async def get_audit(host: str) -> str:
    """Return what is known about the security of a host."""
    return HOSTS[host][1]


agent = Agent(
    name="adviser",
    model="offline",
    instructions="You advise on hosts. Give each part of a question to the role that is good at it.",
    tools=[get_price, get_audit],
    roles=[
        Role(name="buyer", good_at="the price of things, and budgets", tools=("get_price",)),
        Role(name="guard", good_at="security, attacks and audits", tools=("get_audit",), ensemble=3, settle="vote"),
    ],
    plan="off",
)
