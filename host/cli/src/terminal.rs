//! What a command on a `terminal.host` reads and writes: the program's own input and outputs.

use perilune::Terminal;
use std::io;
use std::sync::{Arc, OnceLock};

/// The terminal, once there is one: log records ask it.
static TERMINAL: OnceLock<Arc<Terminal>> = OnceLock::new();

/// The program's terminal, with these arguments for whoever runs on it.
pub(crate) fn open(args: &[String]) -> Arc<Terminal> {
    let make = || {
        let terminal = Terminal::new(io::stdin(), io::stdout(), io::stderr()).args(args.iter().cloned());
        Arc::new(raw::with_raw(terminal))
    };
    TERMINAL.get_or_init(make).clone()
}

/// The mode that the terminal is in now; when it is dropped the terminal is back in it, however the program ends.
pub(crate) fn remember() -> impl Drop {
    raw::Usual::now()
}

/// Whether whoever has the terminal wants no log records to be shown.
pub(crate) fn hides_logs() -> bool {
    TERMINAL.get().is_some_and(|terminal| terminal.hides_logs())
}

#[cfg(unix)]
mod raw {
    use perilune::Terminal;
    use rustix::process::getpgrp;
    use rustix::termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };
    use std::io::stdin;

    /// With raw mode, where the input is a terminal.
    pub(super) fn with_raw(terminal: Terminal) -> Terminal {
        let Some(usual) = usual() else { return terminal };
        terminal.raw_by(move |enable| {
            let mut mode = usual.clone();
            if enable {
                // Signals stay on: Ctrl-C is the operator's, whatever runs.
                mode.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
                mode.input_modes -= InputModes::IXON | InputModes::ICRNL | InputModes::INLCR;
                mode.special_codes[SpecialCodeIndex::VMIN] = 1;
                mode.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
            Ok(tcsetattr(stdin(), OptionalActions::Now, &mode)?)
        })
    }

    /// The mode to come back to; nothing where the input is no terminal.
    pub(super) struct Usual(Option<Termios>);

    impl Usual {
        pub(super) fn now() -> Self {
            Usual(usual())
        }
    }

    impl Drop for Usual {
        fn drop(&mut self) {
            let Some(mode) = &self.0 else { return };
            // A program in the background would be stopped for setting what is somebody else's terminal now.
            if tcgetpgrp(stdin()) == Ok(getpgrp()) {
                // A terminal that is gone has no mode.
                let _ = tcsetattr(stdin(), OptionalActions::Now, mode);
            }
        }
    }

    /// The mode that the terminal is in, to come back to. Nothing else has one.
    fn usual() -> Option<Termios> {
        tcgetattr(stdin()).ok()
    }
}

#[cfg(not(unix))]
mod raw {
    use perilune::Terminal;

    /// There is no mode to come back to.
    pub(super) struct Usual;

    impl Usual {
        pub(super) fn now() -> Self {
            Usual
        }
    }

    impl Drop for Usual {
        fn drop(&mut self) {}
    }

    /// There is no raw mode here yet.
    pub(super) fn with_raw(terminal: Terminal) -> Terminal {
        terminal
    }
}
