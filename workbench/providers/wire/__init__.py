"""Requests as other people's APIs want them: pure functions from a `Request` to the JSON body that is posted.

One file an API. They know nothing of keys, connections or streams; a provider adds those. What only one provider
understands (`provider_parts`) is the turn as that provider wrote it, and is sent back verbatim or not at all:

| provider | `parts` |
|---|---|
| `anthropic` | the list of content blocks of the message |
| `openai` | the list of output items of the response |
| `openai-chat` | the message of the choice |
"""
