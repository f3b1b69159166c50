/**
 * Ctrl-C: what is running stops where it is and tells what it has found so far, because a capture that is written while
 * it is read has no other end. A second Ctrl-C ends the program at once.
 */

export class Interrupt {
  happened = false;
  #wake = () => {};
  readonly #listener = () => {
    this.happened = true;
    this.#wake();
  };

  constructor() {
    process.once("SIGINT", this.#listener);
  }

  /** Signals are heard only between two turns of the event loop. */
  async listen(): Promise<boolean> {
    await new Promise(setImmediate);
    return this.happened;
  }

  /** What `some` comes to, or null when it is interrupted before. */
  unless<T>(some: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(null);
      some.then(resolve, reject);
      if (this.happened) resolve(null);
    });
  }

  close(): void {
    process.off("SIGINT", this.#listener);
  }

  /** Ends the process as the signal would have, which tells a shell (exit code 130) and waits for no reader. */
  obey(): void {
    this.close();
    process.kill(process.pid, "SIGINT");
  }
}
