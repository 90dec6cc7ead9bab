-- Which file system a folder is on; only at the root, and where it is another one than above.

ALTER TABLE folder ADD COLUMN volume text;
CREATE INDEX folder_volume ON folder (root) WHERE volume IS NOT NULL;
