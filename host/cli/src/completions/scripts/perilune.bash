# Completion of `perilune`: asks the program itself, which knows the application's entries.
_perilune() {
    # Words between blanks, since bash parts ids at their colons.
    local line="${COMP_LINE:0:COMP_POINT}" words
    read -r -a words <<< "$line"
    case "$line" in *[[:space:]]) words+=("") ;; esac
    local current="${words[${#words[@]}-1]}" cut=""
    # It wants what comes after the last colon alone.
    case "$COMP_WORDBREAKS" in *:*) case "$current" in *[:=]*) cut="${current%"${current##*[:=]}"}" ;; esac ;; esac
    local IFS=$'\n' reply
    COMPREPLY=()
    for reply in $("$1" complete -- "${words[@]}" 2> /dev/null); do
        reply="${reply%%$'\t'*}"
        COMPREPLY+=("${reply#"$cut"}")
    done
    case "${#COMPREPLY[@]}${COMPREPLY[0]-}" in 1*[=/:]) compopt -o nospace 2> /dev/null ;; esac
}
complete -o bashdefault -o default -F _perilune perilune
