#!/usr/bin/perl
# Reads a form as scripts have done since 1995: so many bytes as CONTENT_LENGTH says.
use strict;
use warnings;
my $text = $ENV{QUERY_STRING} // '';
if ($ENV{REQUEST_METHOD} eq 'POST') {
  read STDIN, $text, $ENV{CONTENT_LENGTH};
}
print "Content-Type: text/html\n\n<dl>\n";
for my $pair (split /&/, $text) {
  my ($name, $value) = map { s/\+/ /gr =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split(/=/, $pair, 2);
  print "<dt>$name</dt><dd>", ($value // ''), "</dd>\n";
}
print "</dl>\n";
