//! The lines between two durable states of a client, for the tests that end the process there.

kill_points::kill_points! {
    /// A line at which a test may end the process, in the order of an account's life.
    pub enum KillPoint {
        /// The key slots are on the disk, the database is not.
        KeySlotsMade = "key-slots-made",
        /// The database is there and empty.
        DatabaseMade = "database-made",
        /// The keys of the account are stored, nobody else knows of it.
        AccountStored = "account-stored",
        /// The wish to open a conversation is stored.
        IntentStored = "intent-stored",
        /// The relay made the account; this is not committed.
        RegisteredBeforeCommit = "registered-before-commit",
        /// The account is registered on both sides.
        RegisteredAfterCommit = "registered-after-commit",
        /// The recovery record is made and not committed.
        RecordBeforeCommit = "record-before-commit",
        /// The recovery record is stored and has not left.
        RecordAfterCommit = "record-after-commit",
        /// Key packages are made and not committed.
        KeyPackagesBeforeCommit = "key-packages-before-commit",
        /// The private keys of key packages are stored, the public ones have not left.
        KeyPackagesAfterCommit = "key-packages-after-commit",
        /// The relay holds the recovery record; this is not committed.
        RecordAnswered = "record-answered",
        /// The relay answered with the key packages of a contact.
        Claimed = "claimed",
        /// The group is founded and not committed.
        FoundedBeforeCommit = "founded-before-commit",
        /// The group and the request for its conversation are stored, the request has not left.
        FoundedAfterCommit = "founded-after-commit",
        /// The relay made the conversation; the group is not merged.
        CreatedBeforeMerge = "created-before-merge",
        /// The group is merged and not committed.
        CreatedBeforeCommit = "created-before-commit",
        /// The conversation is established on both sides.
        CreatedAfterCommit = "created-after-commit",
        /// The relay knows a new link, this device has not kept it.
        LinkAnswered = "link-answered",
        /// The link is kept and nobody was told.
        LinkKept = "link-kept",
        /// The group of a welcome is joined and not committed.
        JoinedBeforeCommit = "joined-before-commit",
        /// What came to the inbox is committed and not acknowledged.
        InboxAfterCommit = "inbox-after-commit",
        /// A written message is not committed.
        TextBeforeCommit = "text-before-commit",
        /// A written message is committed, the person was not told.
        TextAfterCommit = "text-after-commit",
        /// Messages are sealed and not committed.
        SealedBeforeCommit = "sealed-before-commit",
        /// Sealed messages are committed and have not left.
        SealedAfterCommit = "sealed-after-commit",
        /// Frames have left for the relay, no answer has come.
        FramesWritten = "frames-written",
        /// The relay answered for sent messages; this is not committed.
        SentBeforeCommit = "sent-before-commit",
        /// Messages are counted as sent.
        SentAfterCommit = "sent-after-commit",
        /// Received entries are opened and not committed.
        ReceivedBeforeCommit = "received-before-commit",
        /// Received entries are committed and not acknowledged.
        ReceivedAfterCommit = "received-after-commit",
        /// Acknowledgements are on their way.
        Acknowledged = "acknowledged",
        /// The commit that renews the own leaf is made and not committed.
        RenewalBeforeCommit = "renewal-before-commit",
        /// The commit that renews the own leaf is stored and has not left.
        RenewalAfterCommit = "renewal-after-commit",
        /// The own leaf is renewed and this is not committed.
        RenewedBeforeCommit = "renewed-before-commit",
        /// A migration is applied and not committed.
        MigrationBeforeCommit = "migration-before-commit",
        /// A migration is committed, the next is not begun.
        MigrationAfterCommit = "migration-after-commit",
        /// A declined request is forgotten and this is not committed.
        DeclinedBeforeCommit = "declined-before-commit",
        /// A declined request is forgotten here, the relay was not told.
        DeclinedAfterCommit = "declined-after-commit",
        /// The relay ended a declined conversation; this is not committed.
        DeclineAnswered = "decline-answered",
        /// A block is not committed.
        BlockBeforeCommit = "block-before-commit",
        /// A block is committed, the relay was not told.
        BlockAfterCommit = "block-after-commit",
        /// The relay knows a block; this is not committed.
        BlockAnswered = "block-answered",
        /// A segment of the backup is on the disk under a name that does not count.
        BackupSegmentWritten = "backup-segment-written",
        /// The segments of a backup are in place, the manifest that names them is not.
        BackupBeforeManifest = "backup-before-manifest",
        /// The manifest of a backup is in place, what it replaced was not removed and the run was not noted.
        BackupAfterManifest = "backup-after-manifest",
        /// A run of the backup is noted and this is not committed.
        BackupBeforeCommit = "backup-before-commit",
        /// A copy of the database is on the disk under a name that does not count.
        CopyWritten = "copy-written",
        /// A copy of the database is in place, older ones were not removed.
        CopyInPlace = "copy-in-place",
        /// A database that went back in time is to come back into its conversations.
        RejoinsWanted = "rejoins-wanted",
        /// The commit that leads back into a group is made and not committed.
        RejoinBeforeCommit = "rejoin-before-commit",
        /// The commit that leads back into a group is stored and has not left.
        RejoinAfterCommit = "rejoin-after-commit",
        /// The relay let this device back in; this is not committed.
        RejoinedBeforeCommit = "rejoined-before-commit",
        /// This device is back in a group.
        RejoinedAfterCommit = "rejoined-after-commit",
        /// The wish to set a conversation up anew is stored.
        ResetWanted = "reset-wanted",
        /// A conversation is set up anew and this is not committed.
        ResetBeforeCommit = "reset-before-commit",
        /// What a backup holds is taken over and not committed.
        TakenOverBeforeCommit = "taken-over-before-commit",
        /// What a backup holds is taken over, the relay has not let the new device in.
        TakenOverAfterCommit = "taken-over-after-commit",
        /// The relay let a restored account's new device in; this is not committed.
        EnrolledBeforeCommit = "enrolled-before-commit",
        /// A restored account's new device is enrolled on both sides.
        EnrolledAfterCommit = "enrolled-after-commit",
        /// The conversations that a new device wants to enter are stored.
        ListedAfterCommit = "listed-after-commit",
    }
}
