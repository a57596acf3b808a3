"""An agent that asks before it does something that cannot be undone.

    workbench run -a docs/examples/approvals.py "Look up the opening hours and send a letter to anna@example.com."

On a terminal you are asked before the letter goes out, and you see the whole of it. Without one the run stops with
exit status 3 and prints the command that answers; with --deny-asks the call is denied and the run goes on.
"""

from workbench import Agent, tool

sent: list[tuple[str, str]] = []


@tool(read_only=True)
async def get_opening_hours() -> str:
    """Return the opening hours of the shop."""
    return "The shop is open from nine to five, on weekdays."


@tool(permission="ask")
async def send_letter(to: str, text: str) -> str:
    """Send a letter to somebody."""
    sent.append((to, text))
    return f"The letter to {to} is on its way."


agent = Agent(
    name="clerk",
    model="offline",
    instructions="You answer letters for a shop. Look up what you write; never guess.",
    tools=[get_opening_hours, send_letter],
    plan="off",
)
