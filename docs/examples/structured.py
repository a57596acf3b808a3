"""An agent whose answer is an object, for a program that goes on with it.

    workbench run -a docs/examples/structured.py "What is the weather in Oslo?"
    python docs/examples/structured.py

What does not fit the model goes back to the language model with the reason, a few times at most.
"""

from enum import StrEnum

from pydantic import BaseModel, Field

from workbench import Agent, tool


class Sky(StrEnum):
    """What is seen above."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    UNKNOWN = "unknown"


class Weather(BaseModel):
    """What the program wants to know."""

    city: str
    degrees: float = Field(description="Temperature in degrees Celsius", ge=-90, le=60)
    is_raining: bool
    sky: Sky
    summary: str = Field(description="One sentence for a person", max_length=200)


@tool(read_only=True)
async def get_weather(city: str) -> str:
    """Return today's weather of a city, in words."""
    return f"It rains in {city}, at 11.5 degrees. The sky is cloudy."


agent = Agent(
    name="weather",
    model="offline",
    instructions="You answer questions about the weather. Look it up; never guess.",
    tools=[get_weather],
    output=Weather,
    plan="off",
)


if __name__ == "__main__":
    result = agent.run_sync("What is the weather in Oslo?")
    print(result.output)
