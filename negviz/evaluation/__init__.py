"""What a measurement is: cells of prompts, intervals and ceilings, as functions that write nothing."""
