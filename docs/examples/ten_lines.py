# workbench run -a docs/examples/ten_lines.py "How high is the Galdhøpiggen?"
from workbench import Agent, tool

HEIGHTS = {"Galdhøpiggen": 2469, "Kebnekaise": 2097, "Mont Blanc": 4806}


@tool(read_only=True)
def get_height(mountain: str) -> str:
    """Return how high a mountain is."""
    return f"The {mountain} is {HEIGHTS[mountain]} m high."


agent = Agent(model="offline", instructions="You know mountains.", tools=[get_height], plan="off")
