"""piiscan in other tools, and other tools in piiscan."""
