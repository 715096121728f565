/**
 * Completion scripts. Each asks `coax complete -- WORDS…`, whose last word is the one under the cursor, and gets a line for
 * each candidate: `word<TAB>about`, or `:file` for a file's name. They need nothing but the shell, may be loaded again, and never
 * evaluate what was typed.
 */
const bash = `# bash completion for coax: source <(coax completion bash)
_coax() {
  local word about cur line prefix
  local -a words
  line=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$line"
  [[ $line == *' ' ]] && words+=('')
  cur=\${words[-1]}
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    if [[ $word == :file ]]; then
      compopt -o default
      return
    fi
    COMPREPLY+=("$word")
  done < <("$1" complete -- "\${words[@]:1}" 2>/dev/null)
  # Readline replaces only what stands after the last = or :
  prefix=\${cur%"\${cur##*[=:]}"}
  COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace
  return 0
}
complete -o nosort -F _coax coax
`;

const zsh = `#compdef coax
# zsh completion for coax: source <(coax completion zsh)
_coax() {
  local line word about
  local -a plain open
  while IFS=$'\\t' read -r word about; do
    if [[ $word == :file ]]; then
      _files
      return
    fi
    if [[ $word == *= ]]; then open+=("\${word//:/\\\\:}:$about"); else plain+=("\${word//:/\\\\:}:$about"); fi
  done < <("$words[1]" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#open )) && _describe -V 'coax' open -S ''
  (( $#plain )) && _describe -V 'coax' plain
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _coax coax
`;

const fish = `# fish completion for coax: coax completion fish > ~/.config/fish/completions/coax.fish
function __coax_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l cur (commandline -ct)
    for line in ($program complete -- $words "$cur" 2>/dev/null)
        if test "$line" = ':file'
            __fish_complete_path "$cur"
        else
            echo $line
        end
    end
end
complete -c coax -f -a '(__coax_complete)'
`;

export const SCRIPTS = { bash, zsh, fish } as const;
