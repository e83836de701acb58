# Completion of `perilune`: asks the program itself, which knows the application's entries.
complete --command perilune --no-files --arguments '(set --local words (commandline --current-process --tokenize --cut-at-cursor); $words[1] complete -- $words (commandline --current-token --cut-at-cursor) 2> /dev/null)'
