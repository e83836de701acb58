#compdef perilune
# Completion of `perilune`: asks the program itself, which knows the application's entries.
_perilune() {
    local line value
    local -a described open
    for line in "${(@f)$("${words[1]}" complete -- "${(@)words[1,CURRENT]}" 2> /dev/null)}"; do
        [[ -n "$line" ]] || continue
        value="${line%%$'\t'*}"
        local shown="${value//:/\\:}"
        [[ "$line" == *$'\t'* ]] && shown+=":${line#*$'\t'}"
        if [[ "$value" == *[=/:] ]]; then open+=("$shown"); else described+=("$shown"); fi
    done
    [[ -n "$described" ]] && _describe 'value' described
    [[ -n "$open" ]] && _describe 'value' open -S ''
    [[ -n "$described$open" ]] || _files
}
if [[ "$funcstack[1]" == "_perilune" ]]; then _perilune "$@"; else compdef _perilune perilune; fi
