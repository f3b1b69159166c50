/** What ends a command early because of its user's input: one sentence (or a few problems), and an exit code. */

/** An expectation of a script failed, or two engines disagreed. */
export const EXIT_FAILED = 1;
/** Bad usage, or input that cannot be read to its end. */
export const EXIT_BAD_INPUT = 2;

export class Failure extends Error {
  readonly code: number;

  constructor(message: string, code: number = EXIT_BAD_INPUT) {
    super(message);
    this.name = "Failure";
    this.code = code;
  }
}

/** `No such file or directory` of an error of node:fs, without its code and call. */
export function systemError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a folder";
    case "EACCES":
    case "EPERM":
      return "it may not be read or written (permission denied)";
    case "ENOTDIR":
      return "a part of its path is not a folder";
    case "ENOSPC":
      return "the disk is full";
    default:
      return String(message).replace(/^[A-Z0-9]+: /, "");
  }
}

/** Whether this is an error of the operating system, as opposed to a mistake in the program. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}
