"""What an agent does when a tool fails: try again, use the other one, or say so.

    workbench run -a docs/examples/two_tools.py "What is the water level in Bergen?"

The gauge in Oslo is busy once and then answers. The one in Bergen is broken, but there is a record of it. Of Atlantis
nobody knows anything. Which of the three it is, the model finds out by the words of the error.
"""

from workbench import Agent, ToolError, tool

asked: set[str] = set()


@tool(read_only=True)
async def read_gauge(harbour: str) -> str:
    """Return the water level in a harbour, from the gauge there."""
    if harbour == "Oslo":
        asked.symmetric_difference_update({harbour})
        if harbour in asked:
            raise ToolError("the gauge is busy, try again")
        return "The water level in Oslo is 42 cm."
    raise ToolError(f"there is no working gauge in {harbour}")


@tool(read_only=True)
async def read_record(harbour: str) -> str:
    """Return the usual water level in a harbour, from the record of last year; for when the gauge fails."""
    if harbour == "Bergen":
        return "The water level in Bergen was 57 cm on this day last year."
    raise ToolError(f"there is no record of {harbour}")


agent = Agent(
    name="harbour master",
    model="offline",
    instructions="You answer questions about water levels. Where you could not find something out, say so.",
    tools=[read_gauge, read_record],
    plan="off",
)
