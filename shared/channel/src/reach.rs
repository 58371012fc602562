/// Which addresses may be reached by URLs that come from outside: pictures, robots, webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, by https.
    Public,
    /// This machine and its networks too, and by http: robots at any address, pictures from the origin of the simulated
    /// WeChat. For the bundle on one machine and for tests.
    Local,
}
