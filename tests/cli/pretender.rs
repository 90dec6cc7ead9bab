//! A program that answers as ExifTool does, and does what a test wants of it.

use std::path::PathBuf;

use super::world::script;

const PROGRAM: &str = r#"#!/usr/bin/perl
use Socket; use Fcntl;
$| = 1;
do $ARGV[1] or die "no handover: $@";
while (<STDIN>) {
    chomp;
    $name = $_ if m{^/};
    next unless /^-execute(\d+)/;
    my $number = $1;
    my $said = '"ExifTool:ExifToolVersion":{"val":VERSION},"GIF:ImageWidth":{"val":1}';
    if ($name !~ /gif$/) {
        Image::ExifTool::Open(undef, \*CONTENT, $name) or die "cannot read: $!";
        $! = 0;
        ANSWER
    }
    print qq([{"SourceFile":"$name",$said}]\n{ready$number}\n);
    print STDERR "{done$number}\n";
}
"#;

/// Writes a program that says it is this version, and runs `answer` for each file: Perl that puts tags into `$said`, of the content
/// that it can read from `CONTENT`.
pub(crate) fn pretender(path: PathBuf, version: &str, answer: &str) -> PathBuf {
    script(path, &PROGRAM.replace("VERSION", version).replace("ANSWER", answer))
}
