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
        /// A recovery record is written and not committed.
        RecordInserted = "record-inserted",
        /// A recovery record is committed and not answered.
        RecordedBeforeAnswer = "recorded-before-answer",
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
        /// A conversation is ended because it was declined, and this is not committed.
        DeclineWritten = "decline-written",
        /// A decline is committed and not answered.
        DeclinedBeforeAnswer = "declined-before-answer",
        /// A block, or its end, is written and not committed.
        BlockWritten = "block-written",
        /// A block, or its end, is committed and not answered.
        BlockedBeforeAnswer = "blocked-before-answer",
        /// A change of a group is written and not committed.
        CommitWritten = "commit-written",
        /// A change of a group is committed and pushed, and not answered.
        CommittedBeforeAnswer = "committed-before-answer",
        /// Another incarnation of a conversation is written and not committed.
        IncarnationBegun = "incarnation-begun",
        /// A manifest is written with what it changes, and not committed.
        ManifestWritten = "manifest-written",
        /// A manifest is committed and not answered.
        ManifestBeforeAnswer = "manifest-before-answer",
    }
}
