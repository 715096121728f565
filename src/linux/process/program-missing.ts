/** A program that is not in the system's PATH; whoever knows the package says which one to install. */
export class ProgramMissing extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`the program ${program} is not installed`);
    this.name = 'ProgramMissing';
    this.program = program;
  }
}
