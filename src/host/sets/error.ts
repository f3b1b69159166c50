/** What is wrong with a description of ipsets: one sentence, in ipset's own words where it has some. */
import { HostError } from "../error.ts";

export class SetError extends HostError {
  /** Line of the text, from 1; 0 while nobody has said. */
  readonly line: number;
  constructor(message: string, line = 0) {
    super(line > 0 ? `line ${line}: ${message}` : message);
    this.name = "SetError";
    this.line = line;
  }
}
