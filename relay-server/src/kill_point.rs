//! The lines between two durable states of a relay, for the tests that end the process there.

kill_points::kill_points! {
    /// A line at which a test may end the process: first what happens once or twice in the life of an account, in its order,
    /// then what happens with every message.
    pub enum KillPoint {
        /// A link is inserted and not committed.
        LinkInserted = "link-inserted",
        /// A link is committed and not answered.
        LinkedBeforeAnswer = "linked-before-answer",
        /// The use of an invite is taken and not committed.
        InviteUsed = "invite-used",
        /// An account is inserted and not committed.
        AccountInserted = "account-inserted",
        /// An account is committed and not answered.
        RegisteredBeforeReady = "registered-before-ready",
        /// Key packages are inserted and not committed.
        KeyPackagesInserted = "key-packages-inserted",
        /// Key packages are committed and not answered.
        PublishedBeforeAnswer = "published-before-answer",
        /// A key package is taken, the claim is not stored.
        KeyPackageTaken = "key-package-taken",
        /// A claim is stored and not committed.
        ClaimInserted = "claim-inserted",
        /// A claim is committed and not answered.
        ClaimedBeforeAnswer = "claimed-before-answer",
        /// The public state of a group is written and not committed.
        GroupSnapshot = "group-snapshot",
        /// A conversation is inserted with its members and welcomes, and not committed.
        ConversationInserted = "conversation-inserted",
        /// A conversation is committed and pushed, and not answered.
        CreatedBeforeAnswer = "created-before-answer",
        /// A transaction is due.
        BatchBeforeBegin = "batch-before-begin",
        /// A transaction has begun.
        BatchAfterBegin = "batch-after-begin",
        /// Entries are inserted, the head of their stream is not.
        EntriesInserted = "entries-inserted",
        /// Everything of a transaction is written and not committed.
        BatchBeforeCommit = "batch-before-commit",
        /// A transaction is committed and nobody was answered.
        BatchAfterCommit = "batch-after-commit",
        /// Answers were handed over, a checkpoint is next.
        BeforeCheckpoint = "before-checkpoint",
        /// Senders have their answers, recipients have not got the entries.
        AnsweredBeforePush = "answered-before-push",
        /// Recipients were offered the entries.
        Pushed = "pushed",
        /// Cursors are raised and not committed.
        CursorsRaised = "cursors-raised",
        /// Cursors are committed and still remembered.
        CursorsWritten = "cursors-written",
    }
}
