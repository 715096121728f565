import { SCRIPTS } from '../../completion/scripts.ts';
import { defineVerb } from '../../verb.ts';

/** Prints the script by which a shell completes `coax`. */
export const verb = defineVerb({
  examples: [
    ['source <(coax completion bash)', 'in ~/.bashrc; zsh the same, in ~/.zshrc'],
    ['coax completion fish > ~/.config/fish/completions/coax.fish', 'for fish'],
  ],
  details: [
    'Verbs, options, flows with their parameters, msgids, VMs and hosts are completed; the latter while a server answers within 200 ms.',
  ],
  args: [{ name: '<shell>', about: 'Which shell', choices: Object.keys(SCRIPTS) }],
  async run({ out }, [shell = '']) {
    out.stdout.write(SCRIPTS[shell as keyof typeof SCRIPTS]);
    return 0;
  },
});
