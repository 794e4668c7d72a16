//! The options of `sp_configure`: what there is, its limits, and which of them this server obeys.
//!
//! Invariants
//! 1. Numbers, names, limits and defaults are those of `sys.configurations`.
//! 2. Every option can be set, is kept over restarts and shown. [`OBEYED`] are those that change what the server does; the others stand for
//!    parts of SQL Server that are not here (locks in a fixed number, fibers, full-text crawls …).
//!
//! Evidence: the documentation of server configuration options and of `sys.configurations`.

/// An option.
pub struct ServerOption {
    pub id: i32,
    pub name: &'static str,
    /// What a new server has.
    pub default: i32,
    pub minimum: i32,
    pub maximum: i32,
    /// Shown and set only under 'show advanced options'.
    pub advanced: bool,
    /// RECONFIGURE makes a new value take effect; the others wait for the next start.
    pub dynamic: bool,
    pub description: &'static str,
}

pub const RECOVERY_INTERVAL: i32 = 101;
pub const ALLOW_UPDATES: i32 = 102;
pub const USER_CONNECTIONS: i32 = 103;
pub const DISALLOW_RESULTS_FROM_TRIGGERS: i32 = 114;
pub const NESTED_TRIGGERS: i32 = 115;
pub const DEFAULT_LANGUAGE: i32 = 124;
pub const SHOW_ADVANCED: i32 = 518;
pub const USER_OPTIONS: i32 = 1534;
pub const MAX_DEGREE_OF_PARALLELISM: i32 = 1539;
pub const MIN_MEMORY_PER_QUERY: i32 = 1540;
/// Obeyed as far as it goes for the operators of a query; see `ServerStore::query_memory`.
pub const MAX_SERVER_MEMORY: i32 = 1544;

/// The options that change what this server does.
pub const OBEYED: &[i32] = &[
    USER_CONNECTIONS,
    DISALLOW_RESULTS_FROM_TRIGGERS,
    NESTED_TRIGGERS,
    DEFAULT_LANGUAGE,
    SHOW_ADVANCED,
    USER_OPTIONS,
    MAX_DEGREE_OF_PARALLELISM,
    MIN_MEMORY_PER_QUERY,
    MAX_SERVER_MEMORY,
];

type Row = (i32, &'static str, i32, i32, i32, bool, bool, &'static str);

/// Id, name, default, minimum, maximum, advanced, dynamic, description.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    (101, "recovery interval (min)", 0, 0, 32767, true, true, "Maximum recovery interval in minutes"),
    (102, "allow updates", 0, 0, 1, false, true, "Allow updates to system tables"),
    (103, "user connections", 0, 0, 32767, true, false, "Number of user connections allowed"),
    (106, "locks", 0, 5000, i32::MAX, true, false, "Number of locks for all users"),
    (107, "open objects", 0, 0, i32::MAX, true, false, "Number of open database objects"),
    (109, "fill factor (%)", 0, 0, 100, true, false, "Default fill factor percentage"),
    (114, "disallow results from triggers", 0, 0, 1, true, true, "Disallow returning results from triggers"),
    (115, "nested triggers", 1, 0, 1, false, true, "Allow triggers to be invoked within triggers"),
    (116, "server trigger recursion", 1, 0, 1, false, true, "Allow recursion for server level triggers"),
    (117, "remote access", 1, 0, 1, false, false, "Allow remote access"),
    (124, "default language", 0, 0, 9999, false, true, "default language"),
    (400, "cross db ownership chaining", 0, 0, 1, false, true, "Allow cross db ownership chaining"),
    (503, "max worker threads", 0, 128, 65535, true, true, "Maximum worker threads"),
    (505, "network packet size (B)", 4096, 512, 32767, true, true, "Network packet size"),
    (518, "show advanced options", 0, 0, 1, false, true, "show advanced options"),
    (542, "remote proc trans", 0, 0, 1, false, true, "Create DTC transaction for remote procedures"),
    (544, "c2 audit mode", 0, 0, 1, true, false, "c2 audit mode"),
    (1126, "default full-text language", 1033, 0, i32::MAX, true, true, "default full-text language"),
    (1127, "two digit year cutoff", 2049, 1753, 9999, true, true, "two digit year cutoff"),
    (1505, "index create memory (KB)", 0, 704, i32::MAX, true, true, "Memory for index create sorts (kBytes)"),
    (1517, "priority boost", 0, 0, 1, true, false, "Priority boost"),
    (1519, "remote login timeout (s)", 10, 0, i32::MAX, false, true, "remote login timeout"),
    (1520, "remote query timeout (s)", 600, 0, i32::MAX, false, true, "remote query timeout"),
    (1531, "cursor threshold", -1, -1, i32::MAX, true, true, "cursor threshold"),
    (1532, "set working set size", 0, 0, 1, true, false, "set working set size"),
    (1534, "user options", 0, 0, 32767, false, true, "user options"),
    (1535, "affinity mask", 0, i32::MIN, i32::MAX, true, true, "affinity mask"),
    (1536, "max text repl size (B)", 65536, -1, i32::MAX, false, true, "Maximum size of a text field in replication."),
    (1537, "media retention", 0, 0, 365, true, false, "Tape retention period in days"),
    (1538, "cost threshold for parallelism", 5, 0, 32767, true, true, "cost threshold for parallelism"),
    (1539, "max degree of parallelism", 0, 0, 32767, true, true, "maximum degree of parallelism"),
    (1540, "min memory per query (KB)", 1024, 512, i32::MAX, true, true, "minimum memory per query (kBytes)"),
    (1541, "query wait (s)", -1, -1, i32::MAX, true, true, "maximum time to wait for query memory (s)"),
    (1543, "min server memory (MB)", 0, 0, i32::MAX, true, true, "Minimum size of server memory (MB)"),
    (1544, "max server memory (MB)", i32::MAX, 128, i32::MAX, true, true, "Maximum size of server memory (MB)"),
    (1545, "query governor cost limit", 0, 0, i32::MAX, true, true, "Maximum estimated cost allowed by query governor"),
    (1546, "lightweight pooling", 0, 0, 1, true, false, "User mode scheduler uses lightweight pooling"),
    (1547, "scan for startup procs", 0, 0, 1, true, false, "scan for startup stored procedures"),
    (1549, "affinity64 mask", 0, i32::MIN, i32::MAX, true, true, "affinity64 mask"),
    (1550, "affinity I/O mask", 0, i32::MIN, i32::MAX, true, false, "affinity I/O mask"),
    (1551, "affinity64 I/O mask", 0, i32::MIN, i32::MAX, true, false, "affinity64 I/O mask"),
    (1555, "transform noise words", 0, 0, 1, true, true, "Transform noise words for full-text query"),
    (1556, "precompute rank", 0, 0, 1, true, true, "Use precomputed rank for full-text query"),
    (1557, "PH timeout (s)", 60, 1, 3600, true, true, "DB connection timeout for full-text protocol handler (s)"),
    (1562, "clr enabled", 0, 0, 1, false, true, "CLR user code execution enabled in the server"),
    (1563, "max full-text crawl range", 4, 0, 256, true, true, "Maximum  crawl ranges allowed in full-text indexing"),
    (1564, "ft notify bandwidth (min)", 0, 0, 32767, true, true, "Number of reserved full-text notifications buffers"),
    (1565, "ft notify bandwidth (max)", 100, 0, 32767, true, true, "Max number of full-text notifications buffers"),
    (1566, "ft crawl bandwidth (min)", 0, 0, 32767, true, true, "Number of reserved full-text crawl buffers"),
    (1567, "ft crawl bandwidth (max)", 100, 0, 32767, true, true, "Max number of full-text crawl buffers"),
    (1568, "default trace enabled", 0, 0, 1, true, true, "Enable or disable the default trace"),
    (1569, "blocked process threshold (s)", 0, 0, 86400, true, true, "Blocked process reporting threshold"),
    (1570, "in-doubt xact resolution", 0, 0, 2, true, true, "Recovery policy for DTC transactions with unknown outcome"),
    (1576, "remote admin connections", 0, 0, 1, false, true, "Dedicated Admin Connections are allowed from remote clients"),
    (1577, "common criteria compliance enabled", 0, 0, 1, true, false, "Common Criteria compliance mode enabled"),
    (1578, "EKM provider enabled", 0, 0, 1, true, true, "Enable or disable EKM provider"),
    (1579, "backup compression default", 0, 0, 1, false, true, "Enable compression of backups by default"),
    (1580, "filestream access level", 0, 0, 2, false, true, "Sets the FILESTREAM access level"),
    (1581, "optimize for ad hoc workloads", 0, 0, 1, true, true, "When this option is set, plan cache size is further reduced for single-use adhoc OLTP workload."),
    (1582, "access check cache bucket count", 0, 0, 65536, true, true, "Default hash bucket count for the access check result security cache"),
    (1583, "access check cache quota", 0, 0, i32::MAX, true, true, "Default quota for the access check result security cache"),
    (1584, "backup checksum default", 0, 0, 1, false, true, "Enable checksum of backups by default"),
    (1585, "automatic soft-NUMA disabled", 0, 0, 1, true, false, "Automatic soft-NUMA is enabled by default"),
    (1586, "external scripts enabled", 0, 0, 1, false, true, "Allows execution of external scripts"),
    (1587, "clr strict security", 1, 0, 1, true, true, "CLR strict security enabled in the server"),
    (1588, "column encryption enclave type", 0, 0, 2, false, false, "Type of enclave used for computations on encrypted columns"),
    (1589, "tempdb metadata memory-optimized", 0, 0, 1, true, false, "Tempdb metadata memory-optimized is disabled by default."),
    (16384, "Agent XPs", 0, 0, 1, true, true, "Enable or disable Agent XPs"),
    (16386, "Database Mail XPs", 0, 0, 1, true, true, "Enable or disable Database Mail XPs"),
    (16387, "SMO and DMO XPs", 1, 0, 1, true, true, "Enable or disable SMO and DMO XPs"),
    (16388, "Ole Automation Procedures", 0, 0, 1, true, true, "Enable or disable Ole Automation Procedures"),
    (16390, "xp_cmdshell", 0, 0, 1, true, true, "Enable or disable command shell"),
    (16391, "Ad Hoc Distributed Queries", 0, 0, 1, true, true, "Enable or disable Ad Hoc Distributed Queries"),
    (16392, "Replication XPs", 0, 0, 1, true, true, "Enable or disable Replication XPs"),
    (16393, "contained database authentication", 0, 0, 1, false, true, "Enables contained databases and contained authentication"),
    (16394, "hadoop connectivity", 0, 0, 7, false, false, "Configure SQL Server to connect to external Hadoop or Microsoft Azure storage blob data sources through PolyBase"),
    (16395, "polybase network encryption", 1, 0, 1, false, false, "Configure SQL Server to encrypt control and data channels when using PolyBase"),
    (16396, "remote data archive", 0, 0, 1, false, true, "Allow the use of the REMOTE_DATA_ARCHIVE data access for databases"),
    (16397, "allow polybase export", 0, 0, 1, false, true, "Allow INSERT into a Hadoop external table"),
    (16398, "allow filesystem enumeration", 1, 0, 1, true, true, "Allow enumeration of filesystem"),
    (16399, "polybase enabled", 0, 0, 1, false, true, "Configure SQL Server to connect to external data sources through PolyBase"),
];

fn option(r: &Row) -> ServerOption {
    let &(id, name, default, minimum, maximum, advanced, dynamic, description) = r;
    ServerOption { id, name, default, minimum, maximum, advanced, dynamic, description }
}

/// All options by id.
pub fn all() -> impl Iterator<Item = ServerOption> {
    ROWS.iter().map(option)
}

/// Where an option stands among [`all`].
pub fn place(id: i32) -> Option<usize> {
    ROWS.binary_search_by_key(&id, |r| r.0).ok()
}

/// An option by its number.
pub fn find(id: i32) -> Option<ServerOption> {
    place(id).and_then(|at| ROWS.get(at)).map(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obeyed_option_is_listed_and_every_default_is_allowed() {
        assert!(ROWS.is_sorted_by_key(|r| r.0), "they are sought by their numbers");
        assert!(OBEYED.iter().all(|id| find(*id).is_some()));
        for o in all() {
            // 0 stands for "as the server likes" where the lowest value that one may name is higher.
            assert!(o.default == 0 || (o.minimum..=o.maximum).contains(&o.default), "{}", o.name);
        }
    }
}
