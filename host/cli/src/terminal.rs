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
    use std::io::{self, IsTerminal};

    /// With raw mode, where the input is a terminal.
    pub(super) fn with_raw(terminal: Terminal) -> Terminal {
        let Some(usual) = usual() else { return terminal };
        terminal.raw_by(move |enable| {
            let mut mode = usual;
            if enable {
                // Signals stay on: Ctrl-C is the operator's, whatever runs.
                mode.c_lflag &= !(libc::ICANON | libc::ECHO | libc::IEXTEN);
                mode.c_iflag &= !(libc::IXON | libc::ICRNL | libc::INLCR);
                mode.c_cc[libc::VMIN] = 1;
                mode.c_cc[libc::VTIME] = 0;
            }
            // SAFETY: the descriptor is the program's own, and `mode` outlives the call.
            match unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const mode) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        })
    }

    /// The mode to come back to; nothing where the input is no terminal.
    pub(super) struct Usual(Option<libc::termios>);

    impl Usual {
        pub(super) fn now() -> Self {
            Usual(usual())
        }
    }

    impl Drop for Usual {
        fn drop(&mut self) {
            let Some(mode) = self.0 else { return };
            // A program in the background would be stopped for setting what is somebody else's terminal now.
            // SAFETY: neither call takes a pointer.
            let is_in_front = unsafe { libc::tcgetpgrp(libc::STDIN_FILENO) == libc::getpgrp() };
            if is_in_front {
                // SAFETY: the descriptor is the program's own, and `mode` outlives the call.
                unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const mode) };
            }
        }
    }

    /// The mode that the terminal is in, to come back to.
    fn usual() -> Option<libc::termios> {
        if !io::stdin().is_terminal() {
            return None;
        }
        // SAFETY: all zeroes are a value of this plain struct.
        let mut mode: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is the program's own, and `mode` outlives the call.
        let done = unsafe { libc::tcgetattr(libc::STDIN_FILENO, &raw mut mode) };
        (done == 0).then_some(mode)
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
