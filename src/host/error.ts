/** What is wrong with a description of a host, one sentence per mistake. */

export class HostError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "HostError";
  }
}
