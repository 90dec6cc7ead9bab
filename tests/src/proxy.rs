//! A network in trouble: a proxy before a server on the loopback, which cuts and swallows what passes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What is done when the client says the words that were waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The server hears them; its answer is lost, and so is the connection.
    LoseTheAnswer,
    /// They are lost, and from then on everything is.
    Swallow,
}

/// A proxy. New connections to it reach the server, until it is told otherwise.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    /// Nothing passes, and nobody is told.
    is_silent: AtomicBool,
    is_over: AtomicBool,
    waiting_for: Mutex<Option<(Vec<u8>, Then)>>,
    /// What every connection's length is drawn from; 0 if they may last.
    seed: AtomicU64,
    cuts: AtomicU64,
    pairs: Mutex<Vec<Arc<Pair>>>,
}

/// A client and its server.
#[derive(Debug)]
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// What was swallowed on a connection cannot be made good: it stays silent for ever.
    is_silent: AtomicBool,
    loses_the_answer: AtomicBool,
    /// Pieces that pass before it is cut.
    length: AtomicU64,
}

impl Proxy {
    /// A proxy before the server at this port of the loopback.
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its own address").port();
        let shared = Arc::new(Shared {
            server,
            is_silent: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            waiting_for: Mutex::default(),
            seed: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            pairs: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::SeqCst) {
                    return;
                }
                accepting.connect(client);
            }
        });
        Self { port, shared }
    }

    /// An address of the server, changed to one of the proxy.
    pub fn instead_of(&self, address: &str) -> String {
        let changed = address.replacen(&format!(":{}/", self.shared.server), &format!(":{}/", self.port), 1);
        assert_ne!(changed, address, "this is no address of the server on the loopback");
        changed
    }

    /// Cuts every connection; tells how many there were.
    pub fn cut(&self) -> usize {
        let pairs: Vec<_> = self.shared.pairs().drain(..).collect();
        pairs.iter().for_each(|pair| pair.cut());
        pairs.len()
    }

    /// From now on, everything is swallowed.
    pub fn swallow(&self) {
        self.shared.swallow();
    }

    /// New connections get through again; the old ones stay silent.
    pub fn open(&self) {
        self.shared.is_silent.store(false, Ordering::SeqCst);
    }

    /// From now on, every new connection is cut when a number of pieces has passed either way, which is drawn from `seed`;
    /// with 0 they last.
    pub fn cut_at_random(&self, seed: u64) {
        self.shared.seed.store(seed, Ordering::SeqCst);
    }

    /// Connections that were cut at random.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Waits for a client that says `words`, once.
    pub fn when(&self, words: &[u8], then: Then) {
        *self.shared.waiting_for() = Some((words.to_owned(), then));
    }

    /// Whether the words that were waited for have been said.
    pub fn was_heard(&self) -> bool {
        self.shared.waiting_for().is_none()
    }

    /// Waits for them.
    pub fn wait(&self) {
        while !self.was_heard() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts; if nobody listens any more, all the better.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        // A server that is not there is for the client to notice.
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let both = [&client, &server].map(|stream| stream.set_nodelay(true));
        assert!(both.iter().all(Result::is_ok), "sockets take options");
        let pair = Arc::new(Pair {
            client,
            server,
            is_silent: AtomicBool::new(self.is_silent.load(Ordering::SeqCst)),
            loses_the_answer: AtomicBool::new(false),
            length: AtomicU64::new(self.length()),
        });
        self.pairs().push(Arc::clone(&pair));
        let (shared, there) = (Arc::clone(self), Arc::clone(&pair));
        thread::spawn(move || there.pass(&there.client, &there.server, |said| shared.hear(&there, said)));
        let shared = Arc::clone(self);
        thread::spawn(move || {
            pair.pass(&pair.server, &pair.client, |_| {
                if pair.loses_the_answer.load(Ordering::SeqCst) {
                    pair.cut();
                }
                shared.wear(&pair);
            });
        });
    }

    /// One piece less.
    fn wear(&self, pair: &Pair) {
        if pair.length.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cuts.fetch_add(1, Ordering::SeqCst);
            pair.cut();
        }
    }

    /// Pieces that pass on the next connection: on some of them hardly the first words, on most of them a few calls.
    fn length(&self) -> u64 {
        let draw = |seed: u64| {
            let seed = seed ^ (seed << 13);
            let seed = seed ^ (seed >> 7);
            seed ^ (seed << 17)
        };
        match self.seed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |seed| Some(draw(seed))) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(seed) => {
                let (least, spread) = [(10, 30), (30, 60), (40, 120), (60, 400)][(seed >> 4) as usize % 4];
                least + (seed >> 8) % spread
            }
        }
    }

    fn hear(&self, pair: &Pair, said: &[u8]) {
        self.wear(pair);
        let mut waiting_for = self.waiting_for();
        let is_said = |words: &[u8]| said.windows(words.len()).any(|window| window == words);
        match waiting_for.take_if(|(words, _)| is_said(words)) {
            Some((_, Then::LoseTheAnswer)) => pair.loses_the_answer.store(true, Ordering::SeqCst),
            Some((_, Then::Swallow)) => self.swallow(),
            None => {}
        }
    }

    fn swallow(&self) {
        self.is_silent.store(true, Ordering::SeqCst);
        self.pairs().iter().for_each(|pair| pair.is_silent.store(true, Ordering::SeqCst));
    }

    fn pairs(&self) -> MutexGuard<'_, Vec<Arc<Pair>>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting_for(&self) -> MutexGuard<'_, Option<(Vec<u8>, Then)>> {
        self.waiting_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pair {
    /// Passes on what one side says, after it was heard, until either is gone. On a silent connection nobody hears of that.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, hear: impl Fn(&[u8])) {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            hear(&buffer[..read]);
            let is_silent = self.is_silent.load(Ordering::SeqCst);
            if read == 0 && is_silent {
                return;
            }
            if read == 0 || (!is_silent && to.write_all(&buffer[..read]).is_err()) {
                return self.cut();
            }
        }
    }

    fn cut(&self) {
        for stream in [&self.client, &self.server] {
            // It may be gone already.
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}
