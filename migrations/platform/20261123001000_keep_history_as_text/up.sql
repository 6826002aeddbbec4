-- History is written with every change and seldom read; nothing looks for what is inside. Taking the JSON apart when it is
-- written cost more than writing it. Processes of the release before go on writing it: what they send is cast.
ALTER TABLE audit_log ALTER COLUMN changes TYPE text USING changes::text;
