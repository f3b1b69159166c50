#!/usr/bin/env node
/** The command line, and what its exit code says. */
import { run } from "./commands.ts";
import { kernelFailure } from "./engine.ts";
import { EXIT_BAD_INPUT, Failure, isSystemError, systemError } from "./failure.ts";
import { ReaderGone, visible } from "./output.ts";

/** What a command threw, as one sentence; a mistake of the program keeps its stack. */
function report(thrown: unknown): void {
  const error = kernelFailure(thrown) ?? thrown;
  if (error instanceof ReaderGone) return;
  if (error instanceof Failure) {
    console.error(visible(error.message));
    process.exitCode = error.code;
  } else if (isSystemError(error)) {
    console.error(`firetwin: ${systemError(error)}`);
    process.exitCode = EXIT_BAD_INPUT;
  } else throw error;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  report(error);
}
